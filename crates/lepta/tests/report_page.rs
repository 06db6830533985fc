//! The page of a report in a real browser: light and dark, on a desk and on a phone.

mod support;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use support::{noise, sample_photo, screenshot, succeed};

const BROWSERS: [&str; 3] = ["chromium-headless-shell", "chromium", "google-chrome"];

/// The browser that is installed; says so if there is none.
fn browser() -> Option<&'static str> {
    let runs = |name: &&str| Command::new(name).arg("--version").output().is_ok();
    let browser = BROWSERS.into_iter().find(runs);
    if browser.is_none() {
        eprintln!("no Chromium is installed: nobody looks at the page");
    }
    browser
}

fn browse(browser: &str, folder: &Path, arguments: &[&str], page: &str) -> Output {
    let url = format!("file://{}/{page}", folder.display());
    let output = Command::new(browser)
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
        ])
        .arg(format!("--user-data-dir={}/profile", folder.display()))
        .args(arguments)
        .arg(url)
        .current_dir(folder)
        .output()
        .expect("the browser runs");
    assert!(output.status.success(), "{}", support::messages(&output));
    output
}

/// A page about a bit of everything.
fn page(folder: &Path) {
    let long = "a-name-that-goes-on-for-ever-".repeat(6);
    fs::create_dir_all(folder.join("in/day")).expect("made");
    fs::write(folder.join("in/photo.jpg"), sample_photo()).expect("written");
    fs::write(folder.join(format!("in/{long}")), noise(9000)).expect("written");
    fs::write(
        folder.join("in/<script>alert(1)</script>".replace('/', "|")),
        noise(5000),
    )
    .expect("written");
    fs::write(
        folder.join("in/text"),
        b"text that gets smaller ".repeat(500),
    )
    .expect("written");
    for number in 0..6 {
        let name = format!("in/day/2024-06-26T08:22:{number:02}.png");
        fs::write(folder.join(name), screenshot(number)).expect("written");
    }
    succeed(
        folder,
        "batch compress --level fast --report page.html in out",
    );
}

/// Red, green and blue of the top left pixel, and how many of all differ from it.
fn look_at(screenshot: &Path) -> ([u8; 3], usize) {
    let file = fs::File::open(screenshot).expect("a screenshot");
    let mut reader = png::Decoder::new(file).read_info().expect("a PNG");
    let mut samples = vec![0; reader.output_buffer_size()];
    let info = reader.next_frame(&mut samples).expect("pixels");
    let mut pixels = samples.chunks_exact(info.color_type.samples());
    let first = pixels.next().expect("a pixel");
    let others = pixels.filter(|pixel| pixel[..3] != first[..3]).count();
    ([first[0], first[1], first[2]], others)
}

#[test]
fn the_page_is_readable_light_and_dark_on_a_desk_and_on_a_phone() {
    let Some(browser) = browser() else {
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path().canonicalize().expect("there");
    page(&here);
    let text = fs::read_to_string(here.join("page.html")).expect("a page");
    // It measures itself: a copy with a script of ours, since it has none.
    let script = "<script>onload=()=>{const page=document.documentElement;\
        page.dataset.width=page.scrollWidth+' '+innerWidth;\
        page.dataset.scripts=document.scripts.length;\
        page.dataset.loaded=performance.getEntriesByType('resource').length}</script>";
    fs::write(here.join("measured.html"), text + script).expect("written");
    for (width, name) in [(1280, "desk"), (500, "phone")] {
        let size = format!("--window-size={width},1400");
        let output = browse(browser, &here, &[&size, "--dump-dom"], "measured.html");
        let dom = String::from_utf8_lossy(&output.stdout).into_owned();
        let value = |name: &str| {
            let after = dom
                .split_once(&format!("data-{name}=\""))
                .expect("measured")
                .1;
            after.split_once('"').expect("its end").0.to_owned()
        };
        let (content, window) = value("width").split_once(' ').map_or((0, 0), |(a, b)| {
            (a.parse().unwrap_or(0), b.parse().unwrap_or(0))
        });
        assert!(
            0 < content && content <= window,
            "{name}: {content} of {window} pixels"
        );
        assert_eq!(
            (value("scripts").as_str(), value("loaded").as_str()),
            ("1", "0"),
            "{name}"
        );
        for (scheme, is_light) in [
            (vec![], true),
            (vec!["--blink-settings=preferredColorScheme=0"], false),
        ] {
            let file = format!("{name}-{is_light}.png");
            let shot = format!("--screenshot={file}");
            let mut arguments = vec![size.as_str(), shot.as_str()];
            arguments.extend(scheme);
            browse(browser, &here, &arguments, "page.html");
            let (background, others) = look_at(&here.join(&file));
            let brightness = background
                .iter()
                .map(|&value| u32::from(value))
                .sum::<u32>()
                / 3;
            assert!((brightness > 128) == is_light, "{file}: {background:?}");
            assert!(others > 5000, "{file}: {others} pixels of text and bars");
            if let Some(kept) = std::env::var_os("LEPTA_SCREENSHOTS") {
                fs::copy(here.join(&file), Path::new(&kept).join(&file)).expect("kept");
            }
        }
    }
}
