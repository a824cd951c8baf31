use burn::tensor::Tensor;
use burn::tensor::activation::{log_softmax, softmax};

/// How far a student's softmax over the batch is from its teacher's, as cross entropy, the mean of
/// both directions (open_clip's `DistillClipLoss`, whose total adds the contrastive loss).
///
/// The readable reference for the teacher in
/// [`SoftmaxTargets`](super::SoftmaxTargets).
///
/// # Shapes
///
/// - student_logits, teacher_logits: `[batch, batch]`, scaled
/// - output: `[1]`
pub fn distillation_loss(student_logits: Tensor<2>, teacher_logits: Tensor<2>) -> Tensor<1> {
    let direction = |student: Tensor<2>, teacher: Tensor<2>| {
        -(softmax(teacher, 1) * log_softmax(student, 1)).sum_dim(1).mean()
    };
    let rows = direction(student_logits.clone(), teacher_logits.clone());
    (rows + direction(student_logits.transpose(), teacher_logits.transpose())) / 2.0
}
