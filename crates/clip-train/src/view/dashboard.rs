use std::sync::Arc;

use burn::train::Interrupter;
use burn::train::logger::TrainingProgressLogger;
use burn::train::metric::{
    MetricDefinition, MetricEntry, MetricId, NumericAttributes, NumericEntry, SerializedEntry,
};
use burn::train::renderer::tui::TuiMetricsRendererWrapper;
use burn::train::renderer::{MetricState, MetricsRenderer, MetricsRendererTraining};

use super::View;
use crate::report::StepMetrics;

/// Name, whether higher is better, and value of each curve.
type Curve = (&'static str, bool, fn(&StepMetrics) -> f64);

const CURVES: [Curve; 5] = [
    ("Loss", false, |metrics| metrics.loss),
    ("Logit scale", true, |metrics| metrics.logit_scale),
    ("Learning rate", false, |metrics| metrics.lr),
    ("Gradient norm", false, |metrics| metrics.gradient_norm),
    ("Pairs/s", true, |metrics| metrics.pairs_per_second),
];

/// Burn's terminal dashboard; its stop key ends the run with a checkpoint, as Ctrl-C does.
pub struct Dashboard {
    renderer: TuiMetricsRendererWrapper,
    curves: Vec<MetricId>,
}

impl Dashboard {
    pub fn new(done: u64, steps: u64, interrupter: Interrupter) -> Self {
        let mut renderer = TuiMetricsRendererWrapper::new(interrupter, None);
        let curves = CURVES.map(|(name, higher_is_better, _)| {
            let metric_id = MetricId::new(Arc::new(name.to_string()));
            renderer.register_metric(MetricDefinition {
                metric_id: metric_id.clone(),
                name: Arc::new(name.to_string()),
                description: None,
                attributes: NumericAttributes { unit: None, higher_is_better }.into(),
            });
            metric_id
        });
        renderer.start(1, 1, Some(steps as usize), None);
        renderer.start_split("train", steps as usize);
        renderer.update_split(done as usize);
        Self { renderer, curves: curves.to_vec() }
    }
}

impl View for Dashboard {
    fn step(&mut self, metrics: &StepMetrics) {
        for ((_, _, value), id) in CURVES.iter().zip(&self.curves) {
            let value = value(metrics);
            let text = format!("{value:.4}");
            let entry = SerializedEntry { formatted: text.clone(), serialized: text };
            let entry = MetricEntry::new(id.clone(), entry);
            let state = MetricState::Numeric(entry, Some(NumericEntry::Value(value)));
            self.renderer.update_train(state);
        }
        self.renderer.update_split(metrics.step as usize);
    }

    fn note(&mut self, text: &str) {
        self.renderer.log_event_training(text.into());
    }

    fn close(mut self: Box<Self>) {
        self.renderer.end_split();
        self.renderer.end();
        // Without a summary there is nothing that could fail, and the run is over either way.
        self.renderer.on_train_end(None).ok();
    }
}
