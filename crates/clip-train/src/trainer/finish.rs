//! What a run shows on the way and ends with: results, the exported model, the page for people.

use burn::module::Module;
use clip_data::ShardOpener;
use clip_eval::Evaluation;
use clip_model::{Clip, Pretrained};

use super::{Evaluator, Results, Trainer, data_name};
use crate::files::write_atomically;
use crate::report::{Example, Report, render};
use crate::view::View;
use crate::{Loss, MetricsLog, TrainError, interpolate};

impl Trainer {
    /// Evaluates the model, exports it and writes `eval.json` and `report.html`.
    ///
    /// Where the settings name a metric to go by, the model is that of the best evaluation.
    /// `facts` are shown at the head of the report.
    ///
    /// # Errors
    ///
    /// When the evaluation data cannot be read or a file cannot be written.
    pub fn finish(&mut self, facts: &[(String, String)]) -> Result<Results, TrainError> {
        let mut results = self.measure(&self.trained(), self.step())?;
        self.journal.add_evaluations(self.step(), &results.evaluations)?;
        self.judge(&results)?;
        let (model, note) = self.model_to_export()?;
        results.notes.extend(note);
        results.notes.extend(self.export(model)?);
        self.write_report(facts, &results.examples)?;
        Ok(results)
    }

    /// Evaluates the model as it is, beside the training: the stream of data stays where it is.
    pub(super) fn evaluate_now(&mut self, view: &mut dyn View) -> Result<(), TrainError> {
        let step = self.step();
        let results = self.measure(&self.trained(), step)?;
        results.evaluations.iter().for_each(|row| view.note(&format!("step {step}: {row}")));
        let written = self.journal.add_evaluations(step, &results.evaluations);
        self.tolerate(written, view)?;
        if self.judge(&results)? {
            // Kept until a better one comes.
            let saved = self.save();
            self.tolerate(saved, view)?;
        }
        let written = self.write_report(&[], &results.examples);
        self.tolerate(written, view)
    }

    fn measure(&self, model: &Clip, step: u64) -> Result<Results, TrainError> {
        if self.config.eval_data.is_empty() {
            return Ok(Results::default());
        }
        // The templates are the captions' own frames, the bare name among them.
        let mut templates = vec!["{}".to_string()];
        templates.extend(self.config.captions.frames.iter().cloned());
        let evaluator = Evaluator {
            model,
            tokenizer: &self.tokenizer,
            transform: &self.transform,
            templates: &templates,
            loss: (self.config.loss, self.config.batch_size),
        };
        let opener = ShardOpener::new(&self.config.loader.open);
        Ok(evaluator.evaluate(&self.config.eval_data, &opener, step)?)
    }

    /// Whether these results are the best so far by the metric that the settings name.
    fn judge(&mut self, results: &Results) -> Result<bool, TrainError> {
        let Some(best) = &self.config.evaluation.best else { return Ok(false) };
        let name = |row: &Evaluation| format!("{} {}", row.task, row.metric);
        let rows = &results.evaluations;
        let Some(row) = rows.iter().find(|row| name(row) == *best) else {
            let names: Vec<String> = rows.iter().map(name).collect();
            return Err(TrainError::Setting(format!(
                "evaluation.best is `{best}`, and the evaluation has: {}",
                names.join(", ")
            )));
        };
        Ok(self.progress.judge(self.progress.step, row.value))
    }

    /// The model of the best evaluation, or of the last step.
    fn model_to_export(&self) -> Result<(Clip, Option<String>), TrainError> {
        let best = self.progress.best_step().filter(|step| *step != self.step());
        let Some(step) = best else { return Ok((self.trained(), None)) };
        let Some(checkpoint) = self.checkpoints.at(step) else {
            let note = format!(
                "the best evaluation was at step {step}, whose checkpoint could not be kept; the \
                 exported model is that of the last step"
            );
            return Ok((self.trained(), Some(note)));
        };
        let blank = self.learner.model.valid();
        let model = match checkpoint.has_average() {
            true => checkpoint.load_average(blank)?,
            false => checkpoint.load_model(blank)?,
        };
        let note = format!("the exported model is that of step {step}, the best evaluation");
        Ok((model.materialize(), Some(note)))
    }

    /// Writes the model as open_clip reads it, and as transformers does where it has such a model.
    fn export(&self, trained: Clip) -> Result<Vec<String>, TrainError> {
        let share = self.config.finetune.as_ref().and_then(|tuned| tuned.wise_ft);
        let model = match (share, &self.start) {
            (Some(share), Some(start)) => interpolate(start, trained, share),
            _ => trained,
        };
        let transform = self.transform.clone();
        let model = Pretrained::new(model, self.model_config.clone(), transform)?
            .with_tokenizer((*self.tokenizer).clone());
        model.save_open_clip(&self.folder.export())?;
        let saved = model.save_hugging_face(&self.folder.hugging_face_export());
        let mut notes = Vec::new();
        notes.extend(saved.err().map(|error| format!("no export for transformers: {error}")));
        notes.extend(share.map(|share| {
            format!(
                "the results are those of the trained weights; the exported ones are {share} of \
                 the way from the start to them"
            )
        }));
        Ok(notes)
    }

    fn write_report(
        &self,
        facts: &[(String, String)],
        examples: &[Example],
    ) -> Result<(), TrainError> {
        let history = MetricsLog::read(&self.folder.metrics())?;
        let plan = self.facts();
        let page = render(&Report {
            title: &format!("{} on {}", self.config.model_name(), data_name(&self.config.data)),
            name: &self.folder.name(),
            facts: if facts.is_empty() { &plan } else { facts },
            batch: self.guesses(),
            history: &history,
            evaluations: self.journal.evaluations(),
            examples,
            others: &[],
        });
        write_atomically(&self.folder.report(), page.as_bytes())
    }

    /// Pairs each pair is contrasted with, for losses whose floor that tells.
    fn guesses(&self) -> Option<u64> {
        let is_plain = self.config.loss == Loss::Softmax && self.teacher.is_none();
        is_plain.then_some(self.config.batch_size as u64)
    }
}
