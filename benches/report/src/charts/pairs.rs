//! For each workload a line from a dot (goroutines) to another (OS threads), on a scale of
//! powers of ten: the length of the line is the factor between them.

use anyhow::Result;
use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

use super::paint::{GO, GRID, INK, MINI, OS, WIDTH, finish, letters};

pub(crate) struct Pair {
    pub(crate) name: String,
    pub(crate) green: f64,
    /// 0: mini does not have it.
    pub(crate) mini: f64,
    pub(crate) os: f64,
    /// Goroutines and OS threads on one CPU; 0: not measured.
    pub(crate) one_cpu: [f64; 2],
    /// The middle half of the rounds, for goroutines and for OS threads.
    pub(crate) ranges: [[f64; 2]; 2],
    /// Right of the name.
    pub(crate) note: String,
}

const ROW: u32 = 40;

/// Values at or below `floor` are drawn there.
pub(crate) fn pairs(
    all: &[Pair],
    floor: f64,
    show: fn(f64) -> String,
    label: &str,
) -> Result<String> {
    let height = ROW * all.len() as u32 + 50;
    let values = || {
        all.iter()
            .flat_map(|p| {
                [
                    p.green,
                    p.mini,
                    p.os,
                    p.one_cpu[0],
                    p.one_cpu[1],
                    p.ranges[1][1],
                ]
            })
            .filter(|&v| v > 0.0)
    };
    let low = values().fold(f64::INFINITY, f64::min).max(floor) / 1.6;
    let high = values().fold(floor, f64::max) * 1.6;
    let (low, high) = if low < high {
        (low, high)
    } else {
        (floor, floor * 10.0)
    };
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, (WIDTH, height)).into_drawing_area();
        let mut chart = ChartBuilder::on(&root)
            .margin_left(16)
            .margin_right(24)
            .x_label_area_size(30)
            .build_cartesian_2d((low..high).log_scale(), 0.0..all.len() as f64)?;
        chart
            .configure_mesh()
            .disable_y_mesh()
            .disable_y_axis()
            .x_labels(6)
            .x_label_formatter(&|v| show(*v))
            .bold_line_style(GRID)
            .light_line_style(TRANSPARENT)
            .axis_style(GRID)
            .label_style(letters(14, INK, HPos::Center))
            .draw()?;
        for (i, pair) in all.iter().enumerate() {
            let top = (all.len() - i) as f64;
            let (words, line) = (top - 0.32, top - 0.68);
            let name = letters(15, INK, HPos::Left);
            let note = letters(15, INK, HPos::Right);
            chart.draw_series([
                Text::new(pair.name.clone(), (low, words), name),
                Text::new(pair.note.clone(), (high, words), note),
            ])?;
            let at = |value: f64| (value.max(low), line);
            let both = pair.green > 0.0 && pair.os > 0.0;
            if both {
                let ends = vec![at(pair.green), at(pair.os)];
                chart.draw_series([PathElement::new(ends, INK.stroke_width(1))])?;
            }
            for ([from, to], color) in pair.ranges.into_iter().zip([GO, OS]) {
                if from > 0.0 && to > from {
                    let ends = vec![at(from), at(to)];
                    chart.draw_series([PathElement::new(
                        ends,
                        color.mix(0.4).stroke_width(7),
                    )])?;
                }
            }
            for (value, color) in pair.one_cpu.into_iter().zip([GO, OS]) {
                if value > 0.0 {
                    chart.draw_series([Circle::new(at(value), 5, color.stroke_width(2))])?;
                }
            }
            if pair.mini > 0.0 {
                chart.draw_series([Circle::new(at(pair.mini), 4, MINI.filled())])?;
            }
            for (value, color) in [(pair.os, OS), (pair.green, GO)] {
                if value > 0.0 || floor > 0.0 && both_known(pair) {
                    chart.draw_series([Circle::new(at(value), 6, color.filled())])?;
                }
            }
        }
        root.present()?;
    }
    Ok(finish(&svg, height, label))
}

/// A zero is a value only beside a value: without any there was no result.
fn both_known(pair: &Pair) -> bool {
    pair.green > 0.0 || pair.os > 0.0
}
