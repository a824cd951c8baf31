//! Several distributions as a table of a few numbers each.

use clip_data::Distribution;

use super::text::escape;

/// A row: what is measured, its values, and how one is written.
pub type Row<'a> = (&'a str, &'a Distribution, fn(f64) -> String);

/// The table; rows without values are left out.
pub fn table(rows: &[Row<'_>]) -> String {
    let rows: String = rows.iter().filter(|row| row.1.count() > 0).map(row).collect();
    if rows.is_empty() {
        return String::new();
    }
    let heads = ["Least", "5%", "Median", "Mean", "95%", "99%", "Most"];
    let heads: String = heads.iter().map(|head| format!("<th scope=\"col\">{head}</th>")).collect();
    format!(
        "<div class=\"wide\"><table class=\"quantiles\">\n<thead><tr><td></td>{heads}</tr></thead>\n\
         <tbody>\n{rows}</tbody></table></div>\n"
    )
}

fn row((name, of, label): &Row<'_>) -> String {
    let (least, most) = of.ends().unwrap_or_default();
    let at = |share| of.quantile(share).unwrap_or_default() as f64;
    let values = [
        least as f64,
        at(0.05),
        at(0.5),
        of.mean().unwrap_or_default(),
        at(0.95),
        at(0.99),
        most as f64,
    ];
    let cells: String = values.map(|value| format!("<td>{}</td>", escape(&label(value)))).concat();
    format!("<tr><th scope=\"row\">{}</th>{cells}</tr>\n", escape(name))
}
