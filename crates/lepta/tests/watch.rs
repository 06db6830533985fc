//! A folder that is kept compressed while files arrive.

mod support;

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use support::{lepta, messages, run, screenshot_of};

/// Long enough for a slow machine.
const DEADLINE: Duration = Duration::from_secs(120);

fn watch(folder: &Path, arguments: &str) -> Child {
    let line = format!("batch compress --watch --rm --level fast {arguments} in out");
    lepta(folder, &line)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("lepta starts")
}

fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < DEADLINE, "{what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Asks it to end and returns what it said.
fn end(mut child: Child) -> String {
    let signal = Command::new("kill").arg(child.id().to_string()).status();
    assert!(signal.expect("kill runs").success());
    let mut said = String::new();
    let mut stderr = child.stderr.take().expect("a pipe");
    std::io::Read::read_to_string(&mut stderr, &mut said).expect("text");
    child.wait().expect("ended");
    said
}

#[test]
fn files_are_taken_when_they_are_complete_and_quiet() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    fs::create_dir_all(here.join("in")).expect("made");
    let watching = watch(here, "--settle 1");
    let mut open = File::create(here.join("in/open")).expect("made");
    open.write_all(&b"not all of it yet ".repeat(100))
        .expect("written");
    fs::write(
        here.join("in/first"),
        b"text that gets smaller ".repeat(100),
    )
    .expect("written");
    wait_until("the first file is taken", || {
        !here.join("in/first").exists()
    });
    // While it works: a second one, and still nothing of the one that somebody writes to.
    fs::write(here.join("in/second"), b"more of such text ".repeat(100)).expect("written");
    wait_until("the second file is taken", || {
        !here.join("in/second").exists()
    });
    assert!(here.join("in/open").exists());
    open.write_all(b"the rest").expect("written");
    drop(open);
    wait_until("the last file is taken", || !here.join("in/open").exists());
    let said = end(watching);
    assert!(
        said.contains("1 compressed") && !said.contains("FAILED"),
        "{said}"
    );
    let whole = [b"not all of it yet ".repeat(100), b"the rest".to_vec()].concat();
    for (name, bytes) in [
        ("open", whole),
        ("first", b"text that gets smaller ".repeat(100)),
        ("second", b"more of such text ".repeat(100)),
    ] {
        let restored = run(here, &format!("batch restore out - {name}"));
        assert!(restored.stdout == bytes, "{name}: {}", messages(&restored));
    }
}

#[test]
fn the_last_screenshot_of_a_run_stays_until_the_run_has_ended() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    fs::create_dir_all(here.join("in")).expect("made");
    let name = |number: usize| format!("2024-06-26T08:{:02}:{:02}.png", number / 60, number % 60);
    for number in 0..49 {
        let bytes = screenshot_of(40, 20, number);
        fs::write(here.join("in").join(name(number)), bytes).expect("written");
    }
    let watching = watch(here, "--settle 1 --run-settle 3600");
    wait_until("a whole run is stored", || {
        !here.join("in").join(name(47)).exists()
    });
    fs::write(here.join("in/mark"), b"text that gets smaller ".repeat(100)).expect("written");
    wait_until("a later pass is over", || !here.join("in/mark").exists());
    assert!(here.join("in").join(name(48)).exists());
    end(watching);
    let watching = watch(here, "--settle 1 --run-settle 1");
    wait_until("the run has ended", || {
        !here.join("in").join(name(48)).exists()
    });
    end(watching);
    for number in [0, 47, 48] {
        let restored = run(here, &format!("batch restore out - {}", name(number)));
        assert!(restored.stdout == screenshot_of(40, 20, number), "{number}");
    }
}
