//! The page of a trace in a browser: at the width of a telephone and of a desk, light and dark, a goroutine
//! and a run are clicked, it is searched and zoomed, and the console has no complaint.
//!
//! `PAGE_SHOTS=FOLDER` keeps pictures of each step, for a look.
#![allow(unsafe_code, reason = "gosched::run is the unsafe door")]

#[path = "support/browser.rs"]
mod browser;

use std::path::{Path, PathBuf};
use std::time::Duration;

use browser::Browser;
use gosched::{channel, thread, trace};

const MS: Duration = Duration::from_millis(1);

/// Goroutines that compute, wait for each other and for timers, on two Ps; one has a name.
fn page(file: &Path) {
    // SAFETY: nothing in this program is tied to a thread.
    let recorded = unsafe {
        gosched::run(|| {
            gosched::gomaxprocs(2);
            trace::start().unwrap();
            let named = thread::Builder::new().name("the baker".into());
            let baker = named
                .spawn(|| (0..5).for_each(|_| thread::sleep(MS)))
                .unwrap();
            let (tx, rx) = channel::bounded::<u32>(3);
            let sum = thread::spawn(move || rx.into_iter().map(u64::from).sum::<u64>());
            thread::scope(|s| {
                for who in 0..20 {
                    let tx = tx.clone();
                    s.spawn(move || {
                        for n in 0..50 {
                            tx.send(std::hint::black_box(who * n)).unwrap();
                            if n % 10 == 0 {
                                thread::yield_now();
                            }
                        }
                    });
                }
            });
            drop(tx);
            sum.join().unwrap();
            baker.join().unwrap();
            trace::stop().unwrap()
        })
    };
    recorded.write(file).unwrap();
}

fn numbers(text: &str) -> (f64, f64) {
    let (x, y) = text.split_once(' ').unwrap();
    (x.parse().unwrap(), y.parse().unwrap())
}

/// Where on the page the middle of the widest stretch is that fulfils a condition.
fn widest(browser: &mut Browser, condition: &str) -> (f64, f64) {
    nth_widest(browser, condition, 0)
}

fn nth_widest(browser: &mut Browser, condition: &str, n: usize) -> (f64, f64) {
    let at = browser.ask(&format!(
        "(() => {{ const box = canvas.getBoundingClientRect(); \
         const [l, r, t, b] = hits.filter(h => {condition} && h[3] < box.height).sort((a, b) => b[1] - b[0] - a[1] + a[0])[{n}]; \
         return (box.left + (l + r) / 2) + ' ' + (box.top + (t + b) / 2); }})()"
    ));
    numbers(&at)
}

fn click_on(browser: &mut Browser, selector: &str) {
    let at = browser.ask(&format!(
        "(() => {{ const e = document.querySelector('{selector}'); e.scrollIntoView({{block: 'center'}}); \
         const b = e.getBoundingClientRect(); \
         return (b.left + b.width / 2) + ' ' + (b.top + b.height / 2); }})()"
    ));
    browser.click(numbers(&at));
}

#[test]
fn the_page_is_clicked_through_narrow_and_wide() {
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR")).join("page");
    std::fs::create_dir_all(&scratch).unwrap();
    let Some(mut browser) = Browser::start(&scratch.join("profile")) else {
        return;
    };
    let file = scratch.join("page.html");
    page(&file);
    let shots = std::env::var_os("PAGE_SHOTS").map(PathBuf::from);
    for (wide, high, dark) in [(1400, 900, false), (400, 800, true)] {
        let shot = |browser: &mut Browser, name: &str| {
            if let Some(folder) = &shots {
                browser.screenshot(&folder.join(format!("{wide}-{name}.png")));
            }
        };
        browser.dark(dark);
        browser.open("about:blank", wide, high);
        browser.open(&format!("file://{}", file.display()), wide, high);
        browser.wait("typeof D === 'object' && hits.length > 0");
        let sideways = "document.documentElement.scrollWidth <= innerWidth";
        assert_eq!(browser.ask(sideways), "true", "{wide}: it scrolls sideways");
        let side = "side.textContent";
        assert!(browser.ask(side).contains("What happened"));
        shot(&mut browser, "1-all");

        // A run, and why.
        // The recording may have begun in the longest of them: nothing says why that one ran.
        let told = (0..5).map(|n| {
            let run = nth_widest(&mut browser, "h[5] !== null", n);
            browser.click(run);
            browser.ask(side)
        });
        let told: Vec<_> = told.collect();
        let why = |told: &String| told.contains("Why it ran next") && told.contains("runtime/");
        assert!(told.iter().any(why), "{wide}: {told:?}");
        shot(&mut browser, "2-run");

        // The goroutine, from there.
        click_on(&mut browser, "aside [data-g]");
        let told = browser.ask(side);
        for words in ["Goroutine ", "Started by", "running", " runs."] {
            assert!(told.contains(words), "{wide} {words}: {told}");
        }
        shot(&mut browser, "3-goroutine");
        click_on(&mut browser, "aside [data-life]");
        browser.wait("by === 'g'");
        shot(&mut browser, "4-relatives");

        // Search: by a name, which shows its life.
        browser.key("Escape", "");
        click_on(&mut browser, "#find");
        browser.write("the baker");
        browser.key("Enter", "\\r");
        let told = browser.ask(side);
        assert!(
            told.contains("the baker") && told.contains("sleep"),
            "{wide}: {told}"
        );
        assert!(told.contains("timers that fired for it"), "{wide}: {told}");
        click_on(&mut browser, "[data-by=m]");
        shot(&mut browser, "5-search-by-m");

        // Zoom: by the wheel, the keys and the buttons.
        click_on(&mut browser, "#all");
        click_on(&mut browser, "[data-by=p]");
        let shown = "Math.round(to - from)";
        let all: f64 = browser.ask(shown).parse().unwrap();
        let at = widest(&mut browser, "h[5] !== null");
        browser.wheel(at, -900);
        browser.wait(&format!("to - from < {all} / 5"));
        shot(&mut browser, "6-near");
        click_on(&mut browser, "#in");
        let near: f64 = browser.ask(shown).parse().unwrap();
        browser.key("-", "-");
        assert!(browser.ask(shown).parse::<f64>().unwrap() >= near, "{wide}");
        click_on(&mut browser, "#all");
        assert_eq!(browser.ask(shown).parse::<f64>().unwrap(), all);
        assert!(browser.errors.is_empty(), "{wide}: {:?}", browser.errors);
    }
}
