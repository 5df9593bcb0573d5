//! What all pages of the report have around what they say.

use maud::{DOCTYPE, Markup, PreEscaped, html};

/// A page that needs no network: `styles` stands behind the style that all have.
pub(crate) fn frame(title: &str, styles: &str, body: &Markup) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                style { (PreEscaped(include_str!("style.css"))) (PreEscaped(styles)) }
            }
            body { (body) }
        }
    };
    page.into_string()
}
