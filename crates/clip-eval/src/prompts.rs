/// Templates for drawings and icons, in the spirit of the paper's (section 3.1.4).
pub const DRAWING_TEMPLATES: &[&str] = &[
    "{}",
    "a drawing of {}",
    "an emoji of {}",
    "a picture of {}",
    "an icon of {}",
    "a cartoon of {}",
    "clip art of {}",
    "a small picture of {}",
];

/// OpenAI's 18 templates for CIFAR-10 and CIFAR-100 (openai/CLIP, `data/prompts.md`).
pub const CIFAR_TEMPLATES: &[&str] = &[
    "a photo of a {}.",
    "a blurry photo of a {}.",
    "a black and white photo of a {}.",
    "a low contrast photo of a {}.",
    "a high contrast photo of a {}.",
    "a bad photo of a {}.",
    "a good photo of a {}.",
    "a photo of a small {}.",
    "a photo of a big {}.",
    "a photo of the {}.",
    "a blurry photo of the {}.",
    "a black and white photo of the {}.",
    "a low contrast photo of the {}.",
    "a high contrast photo of the {}.",
    "a bad photo of the {}.",
    "a good photo of the {}.",
    "a photo of the small {}.",
    "a photo of the big {}.",
];
