//! What a synthetic picture shows.

type Colour = (&'static str, [u8; 3]);

const COLOURS: [Colour; 12] = [
    ("red", [214, 39, 40]),
    ("orange", [255, 140, 20]),
    ("yellow", [245, 220, 50]),
    ("green", [40, 150, 60]),
    ("turquoise", [60, 205, 200]),
    ("blue", [40, 80, 210]),
    ("purple", [130, 60, 170]),
    ("pink", [250, 160, 200]),
    ("brown", [120, 75, 40]),
    ("black", [16, 16, 16]),
    ("grey", [128, 128, 128]),
    ("white", [239, 239, 239]),
];

const SHAPES: [Shape; 8] = [
    Shape::Circle,
    Shape::Square,
    Shape::Triangle,
    Shape::Ring,
    Shape::Cross,
    Shape::Diamond,
    Shape::Bar,
    Shape::Pillar,
];

const ROWS: [&str; 3] = ["top", "middle", "bottom"];

const COLUMNS: [&str; 3] = ["left", "centre", "right"];

/// Names, and half the shape's extent as a share of the picture's.
const SIZES: [(&str, f32); 2] = [("small", 0.09), ("large", 0.16)];

/// The number of scenes; a background has another colour than the shape.
pub(super) const SCENES: usize =
    COLOURS.len() * (COLOURS.len() - 1) * SHAPES.len() * ROWS.len() * COLUMNS.len() * SIZES.len();

/// Has no divisor in common with `SCENES`, so that neighbours differ in many ways.
const STRIDE: usize = 7919;

#[derive(Clone, Copy)]
enum Shape {
    Circle,
    Square,
    Triangle,
    Ring,
    Cross,
    Diamond,
    Bar,
    Pillar,
}

impl Shape {
    fn name(self) -> &'static str {
        match self {
            Self::Circle => "circle",
            Self::Square => "square",
            Self::Triangle => "triangle",
            Self::Ring => "ring",
            Self::Cross => "cross",
            Self::Diamond => "diamond",
            Self::Bar => "bar",
            Self::Pillar => "pillar",
        }
    }

    /// Whether a point is within, for a shape that fills -1 to 1 both ways.
    fn contains(self, x: f32, y: f32) -> bool {
        let (wide, high) = (x.abs(), y.abs());
        let distance = x * x + y * y;
        match self {
            Self::Circle => distance <= 1.0,
            Self::Square => wide.max(high) <= 0.9,
            Self::Triangle => high <= 1.0 && 2.0 * wide <= y + 1.0,
            Self::Ring => (0.35..=1.0).contains(&distance),
            Self::Cross => wide.max(high) <= 1.0 && wide.min(high) <= 0.3,
            Self::Diamond => wide + high <= 1.0,
            Self::Bar => wide <= 1.0 && high <= 0.35,
            Self::Pillar => wide <= 0.35 && high <= 1.0,
        }
    }
}

/// A shape on a background.
pub(super) struct Scene {
    shape: Shape,
    colour: Colour,
    background: Colour,
    size: (&'static str, f32),
    /// Of the three by three places.
    row: usize,
    column: usize,
}

impl Scene {
    /// The scene of a pair.
    pub(super) fn at(index: usize) -> Self {
        let mut left = index % SCENES * STRIDE % SCENES;
        let mut digit = |base: usize| {
            let digit = left % base;
            left /= base;
            digit
        };
        let (colour, shape) = (digit(COLOURS.len()), digit(SHAPES.len()));
        let (row, column) = (digit(ROWS.len()), digit(COLUMNS.len()));
        let other = 1 + digit(COLOURS.len() - 1);
        Self {
            shape: SHAPES[shape],
            colour: COLOURS[colour],
            background: COLOURS[(colour + other) % COLOURS.len()],
            size: SIZES[digit(SIZES.len())],
            row,
            column,
        }
    }

    /// `a small red circle at the top left on a blue background`.
    pub(super) fn caption(&self) -> String {
        let (size, colour, shape) = (self.size.0, self.colour.0, self.shape.name());
        let (row, column, background) = (ROWS[self.row], COLUMNS[self.column], self.background.0);
        let article = if background.starts_with("orange") { "an" } else { "a" };
        format!(
            "a {size} {colour} {shape} at the {row} {column} on {article} {background} background"
        )
    }

    /// The colour at a place, given as shares of the picture's width and height.
    pub(super) fn colour(&self, x: f32, y: f32) -> [u8; 3] {
        let centre = |place: usize| (2 * place + 1) as f32 / 6.0;
        let within = |at: f32, place| (at - centre(place)) / self.size.1;
        let inside = self.shape.contains(within(x, self.column), within(y, self.row));
        if inside { self.colour.1 } else { self.background.1 }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_two_scenes_have_the_same_caption() {
        let captions: HashSet<_> = (0..SCENES).map(|index| Scene::at(index).caption()).collect();
        assert_eq!(captions.len(), SCENES);
        assert_eq!(Scene::at(SCENES + 3).caption(), Scene::at(3).caption());
    }

    #[test]
    fn the_picture_shows_what_the_caption_says() {
        for index in 0..500 {
            let scene = Scene::at(index);
            let (x, y) = ((2 * scene.column + 1) as f32 / 6.0, (2 * scene.row + 1) as f32 / 6.0);
            let share = 200;
            let colours = (0..share * share)
                .map(|at| scene.colour((at % share) as f32 / 200.0, (at / share) as f32 / 200.0));
            let painted = colours.filter(|colour| *colour == scene.colour.1).count();
            let expected = if scene.size.0 == "small" { 280..1_400 } else { 900..4_200 };
            assert!(expected.contains(&painted), "{}: {painted}", scene.caption());
            let hollow = scene.shape.name() == "ring";
            let wanted = if hollow { scene.background } else { scene.colour };
            assert_eq!(scene.colour(x, y), wanted.1, "{}", scene.caption());
        }
    }
}
