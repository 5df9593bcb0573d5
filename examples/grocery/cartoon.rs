//! The four ways as a cartoon: a lane for each shopper, and one for the counter where items wait alone.
use std::io;
use std::path::Path;

use svg::Document;
use svg::node::element::{Circle, Group, Line, Rectangle, Style, Text};

use crate::shop::{Entry, LIST};
use crate::{WAYS, Way};

/// Pixels for a millisecond, and where the time begins.
const MS: f32 = 3.0;
const LEFT: f32 = 130.0;
const LANE: f32 = 34.0;
const WIDTH: f32 = 920.0;
/// A colour for each item.
const COLOURS: [&str; 5] = ["#e0b100", "#4a90d9", "#57a639", "#b5762e", "#9b7fc4"];

/// Readers may have a light or a dark page.
const STYLE: &str = "text { font: 13px sans-serif; fill: #222 } .title { font-weight: bold } \
    .small { font-size: 11px } .ink { stroke: #222; stroke-width: 2; fill: none } .on { fill: #fff } \
    .wait { fill-opacity: 0.35; stroke-dasharray: 3 2 } \
    @media (prefers-color-scheme: dark) { text { fill: #ddd } .ink { stroke: #ddd } .on { fill: #fff } }";

pub(crate) fn draw(ways: &[Way], file: &Path) -> io::Result<()> {
    let mut page = Document::new().add(Style::new(STYLE));
    let mut y = 10.0;
    for (way, (_, shoppers, _)) in ways.iter().zip(WAYS) {
        let (panel, height) = panel(way, shoppers, y);
        page = page.add(panel);
        y += height;
    }
    svg::save(file, &page.set("viewBox", (0.0, 0.0, WIDTH, y)))
}

/// One way, and its height.
fn panel(way: &Way, shoppers: usize, top: f32) -> (Group, f32) {
    let title = format!("{}: {} ms", way.title, way.took.as_millis());
    let mut panel = Group::new().add(text(&title, 10.0, top + 14.0).set("class", "title"));
    let mut y = top + 24.0;
    for shopper in 0..shoppers {
        panel = panel.add(person(30.0, y, ["A", "B"][shopper]));
        for entry in way
            .log
            .iter()
            .filter(|entry| entry.shopper == Some(shopper))
        {
            panel = panel.add(block(way, entry, y, LANE - 10.0));
        }
        y += LANE;
    }
    panel = panel.add(text("counter", 45.0, y + 18.0));
    // Items may wait beside each other: each has a row of its own.
    for entry in way.log.iter().filter(|entry| entry.shopper.is_none()) {
        panel = panel.add(block(way, entry, y, 14.0));
        y += 17.0;
    }
    (panel, y - top + 24.0)
}

fn text(words: &str, x: f32, y: f32) -> Text {
    Text::new(words).set("x", x).set("y", y)
}

/// An item, from when to when; what waits is pale.
fn block(way: &Way, entry: &Entry, y: f32, height: f32) -> Group {
    let ms = |at: std::time::Instant| (at - way.start).as_secs_f32() * 1000.0;
    let (from, to) = (LEFT + ms(entry.from) * MS, LEFT + ms(entry.to) * MS);
    let colour = COLOURS[entry.item];
    let shape = Rectangle::new()
        .set("x", from)
        .set("y", y)
        .set("width", (to - from - 1.0).max(1.0))
        .set("height", height)
        .set("rx", 3)
        .set("fill", colour)
        .set("stroke", colour)
        .set(
            "class",
            if entry.shopper.is_none() {
                "wait"
            } else {
                "busy"
            },
        );
    let name = LIST[entry.item].0;
    let mut block = Group::new().add(shape);
    if to - from > 7.0 * name.len() as f32 {
        let class = if entry.shopper.is_none() {
            "small"
        } else {
            "small on"
        };
        block = block.add(text(name, from + 4.0, y + height / 2.0 + 4.0).set("class", class));
    }
    block
}

/// A shopper with a cart.
fn person(x: f32, y: f32, name: &str) -> Group {
    let line = |a: (f32, f32), b: (f32, f32)| {
        Line::new()
            .set("x1", x + a.0)
            .set("y1", y + a.1)
            .set("x2", x + b.0)
            .set("y2", y + b.1)
            .set("class", "ink")
    };
    let circle = |cx: f32, cy: f32, r: f32| {
        Circle::new()
            .set("cx", x + cx)
            .set("cy", y + cy)
            .set("r", r)
            .set("class", "ink")
    };
    Group::new()
        .add(circle(0.0, 5.0, 4.0))
        .add(line((0.0, 9.0), (0.0, 18.0)))
        .add(line((0.0, 18.0), (-4.0, 26.0)))
        .add(line((0.0, 18.0), (4.0, 26.0)))
        .add(line((0.0, 12.0), (11.0, 14.0)))
        .add(line((11.0, 12.0), (14.0, 21.0)))
        .add(line((14.0, 21.0), (27.0, 21.0)))
        .add(line((27.0, 21.0), (29.0, 14.0)))
        .add(line((29.0, 14.0), (12.0, 14.0)))
        .add(circle(17.0, 24.5, 2.0))
        .add(circle(25.0, 24.5, 2.0))
        .add(text(name, x + 40.0, y + 19.0))
}
