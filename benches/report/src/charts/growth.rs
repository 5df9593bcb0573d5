//! How something grows with the number of tasks; both scales in powers of ten. Where OS threads
//! end before a million, a cross and the reason stand there.

use anyhow::Result;
use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

use super::paint::{GO, GRID, INK, OS, WIDTH, finish, letters};
use crate::plan::Growth;
use crate::sample::Sample;
use crate::words;

const HEIGHT: u32 = 320;

pub(crate) fn growth(
    all: &Growth,
    of: fn(&Sample) -> f64,
    show: fn(f64) -> String,
    base: f64,
    label: &str,
) -> Result<String> {
    let [green, os] = [&all.green, &all.os].map(|series| points(series, of));
    let values = || green.iter().chain(&os).map(|p| p.1);
    let low = values().fold(f64::INFINITY, f64::min).max(1e-6) / 2.0;
    let top = values().fold(low * 2.0, f64::max) * 1.5;
    let high = top * (top / low).powf(0.25); // room for words above all lines
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, (WIDTH, HEIGHT)).into_drawing_area();
        let mut chart = ChartBuilder::on(&root)
            .margin_top(8)
            .margin_right(20)
            .x_label_area_size(30)
            .y_label_area_size(74)
            .build_cartesian_2d((0.7..1.6e6).log_scale(), (low..high).log_scale().base(base))?;
        chart
            .configure_mesh()
            .x_labels(7)
            .y_labels(6)
            .x_label_formatter(&|v| words::count(*v))
            .y_label_formatter(&|v| show(*v))
            .bold_line_style(GRID)
            .light_line_style(TRANSPARENT)
            .axis_style(GRID)
            .label_style(letters(14, INK, HPos::Center))
            .y_label_style(letters(14, INK, HPos::Right))
            .draw()?;
        for (series, color) in [(&os, OS), (&green, GO)] {
            let line = series.iter().copied();
            chart.draw_series(LineSeries::new(line.clone(), color.stroke_width(3)))?;
            chart.draw_series(line.map(|p| Circle::new(p, 4, color.filled())))?;
        }
        if let Some((what, why, alive)) = stop(&all.os) {
            let value = os.last().map_or(high / 2.0, |p| p.1);
            if all
                .os
                .last()
                .is_some_and(|(_, last)| last.stopped.is_some())
            {
                chart.draw_series([Cross::new((alive, value), 8, OS.stroke_width(3))])?;
            }
            for (line, share) in [(what, 0.96), (why, 0.88)] {
                let at = (1.4e6, low * (high / low).powf(share));
                chart.draw_series([Text::new(line, at, letters(14, OS, HPos::Right))])?;
            }
        }
        root.present()?;
    }
    Ok(finish(&svg, HEIGHT, label))
}

fn points(series: &[(u64, Sample)], of: fn(&Sample) -> f64) -> Vec<(f64, f64)> {
    let whole = series.iter().filter(|(_, s)| s.is_whole());
    let points = whole.map(|(_, s)| (s.alive, of(s)));
    points.filter(|&(_, value)| value > 0.0).collect()
}

/// What to say where the series ends before a million, in two lines, and at how many tasks.
fn stop(series: &[(u64, Sample)]) -> Option<(String, String, f64)> {
    let (n, last) = series.last()?;
    let alive = last.alive.max(1.0);
    let count = words::whole(alive);
    match &last.stopped {
        Some(why) => Some((
            format!("OS threads end at {count}:"),
            words::cut(last_words(why), 50),
            alive,
        )),
        None if *n < 1_000_000 => {
            let what = format!("more OS threads than {count}");
            Some((what, "were not tried in this short run".into(), alive))
        }
        None => None,
    }
}

/// `Cannot allocate memory` of `thread start: Cannot allocate memory (os error 12)`.
fn last_words(why: &str) -> &str {
    let last = why.rsplit(": ").next().unwrap_or(why);
    last.split(" (os error").next().unwrap_or(last)
}
