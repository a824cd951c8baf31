//! Pictures as text: nested, escaped and with every count in its place.

use super::*;

/// A matrix in which each class is taken for the next one in one of four cases.
fn matrix(class_names: Vec<String>) -> ConfusionMatrix {
    let classes = class_names.len();
    let mut counts = vec![vec![0; classes]; classes];
    for (class, row) in counts.iter_mut().enumerate() {
        row[class] += 75;
        row[(class + 1) % classes] += 25;
    }
    ConfusionMatrix { class_names, counts }
}

fn numbered(classes: usize) -> Vec<String> {
    (0..classes).map(|class| format!("class {class}")).collect()
}

/// Checks that elements are nested and closed and that no text holds a bare `&`.
fn assert_well_formed(svg: &str) {
    let mut open = Vec::new();
    for piece in svg.split('<').skip(1) {
        let (tag, text) = piece.split_once('>').unwrap();
        let name = tag.split([' ', '/']).find(|part| !part.is_empty()).unwrap();
        match (tag.starts_with('/'), tag.ends_with('/')) {
            (true, _) => assert_eq!(open.pop(), Some(name), "{piece}"),
            (false, true) => {}
            (false, false) => open.push(name),
        }
        assert_eq!(tag.matches('"').count() % 2, 0, "{piece}");
        for rest in text.split('&').skip(1) {
            let (entity, _) = rest.split_once(';').unwrap();
            assert!(["amp", "lt", "gt", "quot", "#39"].contains(&entity), "{piece}");
        }
    }
    assert!(open.is_empty(), "{open:?}");
}

#[test]
fn pictures_of_few_and_of_many_classes_are_well_formed() {
    for classes in [1, 2, 10, 20, 21, 100] {
        let svg = draw(&matrix(numbered(classes)), "CIFAR", "a model");
        assert_well_formed(&svg);
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{classes}");
    }
}

#[test]
fn only_few_classes_have_numbers_in_their_cells() {
    let has_numbers = |classes| draw(&matrix(numbered(classes)), "", "").contains(">75</text>");
    assert!(has_numbers(20));
    assert!(!has_numbers(21));
}

#[test]
fn rows_are_right_classes_and_columns_predicted_ones() {
    let svg = draw(&matrix(vec!["cat".into(), "dog".into()]), "", "");
    let frame = Frame::new(&["cat".into(), "dog".into()]);
    let (x, y) = (frame.left + 44.0, frame.top);
    let cell = format!("<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"43\" height=\"43\"");
    let (_, rest) = svg.split_once(&cell).unwrap();
    let (_, title) = rest.split_once("<title>").unwrap();
    assert!(title.starts_with("cat as dog: 25 of 100 (25.0%)"), "{title}");
}

#[test]
fn names_and_titles_are_escaped() {
    let names = vec!["<b> & \"c\"".to_owned(), "it's\u{0}".to_owned()];
    let svg = draw(&matrix(names), "a < b", "c & d");
    assert_well_formed(&svg);
    for text in ["&lt;b&gt; &amp; &quot;c&quot;", "it&#39;s\u{fffd}", "a &lt; b", "c &amp; d"] {
        assert!(svg.contains(text), "{text}");
    }
}

#[test]
fn long_titles_lose_their_beginning() {
    assert_eq!(shortened("abcdef", 6), "abcdef");
    assert_eq!(shortened("abcdef", 4), "…def");
}

#[test]
fn colours_go_from_light_to_dark() {
    let colours = [0.0, 0.25, 1.0].map(colour);
    assert_eq!(colours, ["#f7fbff", "#6baed6", "#08306b"]);
}

#[test]
fn a_figure_in_a_page_has_short_names_and_needs_nothing_else() {
    let names = ["a photograph of a car that is on my left side", "cat & dog"].map(str::to_owned);
    let svg = draw_in_page(&matrix(names.to_vec()));
    assert_well_formed(&svg);
    assert!(!svg.contains("http") && !svg.contains("id="));
    assert!(svg.contains(">…that is on my left side<"), "{svg}");
    assert!(
        svg.contains(
            "<title>a photograph of a car that is on my left side as cat &amp; dog: 25 of"
        )
    );
}
