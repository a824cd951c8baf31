//! One run from beginning to end: a small model learns real pairs.

use burn::train::Interrupter;
use clip_train::view::{Show, view};
use clip_train::{TrainConfig, Trainer};

/// Zero-shot on an artist that training never saw, after a minute of training.
///
/// The bar is far below what `pretrain` reaches in its few minutes, and far above chance.
#[test]
fn a_minute_of_training_beats_chance_on_an_unseen_artist() {
    let sample = |name: &str| format!("{}/../assets/sample/{name}", env!("CARGO_MANIFEST_DIR"));
    let config = TrainConfig {
        data: vec![sample("train-{000..007}.tar.gz")],
        eval_data: vec![sample("test-000.tar.gz")],
        batch_size: 128,
        steps: Some(150),
        warmup: 20,
        ..TrainConfig::default()
    };
    let folder = tempfile::tempdir().unwrap();
    let mut trainer = Trainer::start(config, &folder.path().join("run")).unwrap();
    let interrupter = Interrupter::new();
    let mut view = view(Show::Progress, 0, trainer.steps(), &interrupter).unwrap();
    trainer.run(view.as_mut(), &interrupter).unwrap();
    let evaluations = trainer.finish(&[]).unwrap().evaluations;
    let value = |task: &str, metric: &str| {
        evaluations.iter().find(|row| row.task == task && row.metric == metric).unwrap().clone()
    };
    for row in [value("zero_shot", "top5"), value("text_to_image", "recall@10")] {
        println!("{row}");
        assert!(row.low > 2.0 * row.chance, "hardly above chance: {row}");
    }
}
