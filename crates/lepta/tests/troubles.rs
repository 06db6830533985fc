//! What goes wrong around a batch: disks that are full or broken, files that change, rights that are missing,
//! others at work. Each gives a clear line and its status; nothing is lost, the rest goes on, and the next run
//! completes.

mod support;

use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use support::{
    assert_nothing_lost, folder_of, lepta, messages, run, sample_photo, succeed, summary, worker,
};

const COMPRESS: &str = "batch compress -j1 --rm --level fast in out";

fn files() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("a/first", b"compressible ".repeat(300)),
        ("b/second", b"just as well ".repeat(300)),
        ("third", b"and once more ".repeat(300)),
    ]
}

/// The same command, whose main thread gets `error` from `call`, for this time from 1 and ever after.
fn failing_at(call: &str, error: &str, time: usize, command: &Command) -> Command {
    let mut strace = Command::new("strace");
    strace
        .args(["-qqq", "-o", "/dev/null", "-e"])
        .arg(format!("inject={call}:error={error}:when={time}+"))
        .args(["-e", &format!("trace={call}")])
        .arg(command.get_program())
        .args(command.get_args())
        .current_dir(command.get_current_dir().expect("set"));
    for (name, value) in command.get_envs() {
        strace.env(name, value.expect("set"));
    }
    strace
}

/// Returns whether the error was met.
fn is_survived(call: &str, error: &str, time: usize) -> bool {
    let place = format!("{error} from {call} {time}");
    let folder = folder_of(files());
    let here = folder.path();
    let command = lepta(here, COMPRESS);
    let output = failing_at(call, error, time, &command)
        .output()
        .expect("strace runs");
    let status = output.status.code().expect("it ends by itself");
    assert_nothing_lost(here, files(), &place);
    if status != 0 {
        let said = messages(&output);
        // Where no write succeeds, nothing can be said either.
        assert!(
            call == "write" || said.contains("lepta: "),
            "{place}: {said}"
        );
        assert!(
            [1, 40, 41, 42].contains(&status),
            "{place}: {status}: {said}"
        );
    }
    let again = succeed(here, COMPRESS);
    assert!(!messages(&again).contains("FAILED"), "{place}");
    for (name, bytes) in files() {
        let restored = run(here, &format!("batch restore out - {name}"));
        assert!(
            restored.stdout == bytes,
            "{place}: {name}: {}",
            messages(&restored)
        );
    }
    status != 0
}

#[test]
fn disks_that_refuse_lose_nothing() {
    if !support::strace_is_there() {
        return;
    }
    let mut met = 0;
    for (call, error, times) in [
        ("write", "ENOSPC", [1, 3]),
        ("write", "EDQUOT", [2, 9]),
        ("write", "EIO", [1, 5]),
        ("pwrite64", "ENOSPC", [2, 30]),
        ("fsync", "EIO", [1, 7]),
        ("fdatasync", "EIO", [1, 4]),
        ("renameat2", "ENOSPC", [1, 2]),
        ("mkdir", "EDQUOT", [1, 2]),
    ] {
        met += times
            .into_iter()
            .filter(|time| is_survived(call, error, *time))
            .count();
    }
    assert!(met > 8, "{met}");
}

#[test]
fn a_full_disk_is_42_with_advice() {
    if !support::strace_is_there() {
        return;
    }
    for error in ["ENOSPC", "EDQUOT"] {
        let folder = folder_of(files());
        let command = lepta(folder.path(), "-r --level fast in");
        let output = failing_at("write", error, 1, &command)
            .output()
            .expect("strace runs");
        assert_eq!(output.status.code(), Some(42), "{}", messages(&output));
    }
}

/// A program in place of the worker that first does something else.
fn worker_after(folder: &Path, script: &str) -> PathBuf {
    let path = folder.join("worker");
    let text = format!("#!/bin/sh\n{script}\nexec {} \"$@\"\n", worker().display());
    fs::write(&path, text).expect("written");
    fs::set_permissions(&path, Permissions::from_mode(0o755)).expect("its own");
    path
}

#[test]
fn a_file_that_changes_while_it_is_read_is_kept_and_taken_next_time() {
    let folder = folder_of(files());
    let here = folder.path();
    let third = here.join("in/third");
    let slow = worker_after(here, &format!("echo more >>{}", third.display()));
    let mut command = lepta(here, COMPRESS);
    let output = command
        .env("LEPTA_WORKER", slow)
        .output()
        .expect("lepta runs");
    assert_eq!(output.status.code(), Some(43), "{}", messages(&output));
    assert!(messages(&output).contains("in/third: changed while it was read"));
    let changed = fs::read(&third).expect("kept");
    let counts = summary(&succeed(
        here,
        "batch compress -j1 --rm --json --level fast in out",
    ));
    assert_eq!(
        (&counts["removed"], &counts["failed"]),
        (&1.into(), &0.into()),
        "{counts}"
    );
    let restored = succeed(here, "batch restore out - third");
    assert!(restored.stdout == changed);
}

#[test]
fn two_batches_at_once_are_one_and_a_clear_line() {
    let folder = folder_of(files());
    let here = folder.path();
    let mark = here.join("begun");
    let slow = worker_after(here, &format!("touch {}; sleep 2", mark.display()));
    let first = lepta(here, COMPRESS)
        .env("LEPTA_WORKER", slow)
        .stderr(Stdio::piped())
        .spawn()
        .expect("lepta starts");
    while !mark.exists() {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    for arguments in [COMPRESS, "batch restore out back", "batch verify out"] {
        let second = run(here, arguments);
        assert_eq!(second.status.code(), Some(43), "{}", messages(&second));
        assert!(messages(&second).contains("another process works on this archive"));
    }
    let output = first.wait_with_output().expect("ended");
    assert!(output.status.success(), "{}", messages(&output));
    assert_nothing_lost(here, files(), "after both");
}

/// `lepta` as a user that is nobody, if this one may become it.
fn as_nobody(folder: &Path, arguments: &str) -> Option<Output> {
    let is_root = Command::new("id").arg("-u").output().ok()?.stdout == b"0\n";
    let can_change = Command::new("setpriv").arg("--version").output().is_ok();
    if !is_root || !can_change {
        eprintln!("not root, or no setpriv: nothing is tried as another user");
        return None;
    }
    // Programs have to be where nobody may run them.
    for (name, program) in [
        ("lepta", env!("CARGO_BIN_EXE_lepta").as_ref()),
        ("w", worker()),
    ] {
        fs::copy(program, folder.join(name)).expect("copied");
    }
    fs::set_permissions(folder, Permissions::from_mode(0o755)).expect("its own");
    let mut command = Command::new("setpriv");
    command
        .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .arg(folder.join("lepta"))
        .args(arguments.split_whitespace())
        .env("LEPTA_WORKER", folder.join("w"))
        .current_dir(folder);
    Some(command.output().expect("setpriv runs"))
}

#[test]
fn missing_rights_are_said_and_the_rest_goes_on() {
    let folder = folder_of(files());
    let here = folder.path();
    fs::create_dir(here.join("out")).expect("made");
    fs::set_permissions(here.join("out"), Permissions::from_mode(0o777)).expect("its own");
    fs::set_permissions(here.join("in/third"), Permissions::from_mode(0o600)).expect("its own");
    fs::set_permissions(here.join("in/b"), Permissions::from_mode(0o700)).expect("its own");
    let Some(output) = as_nobody(here, "batch compress --level fast in out") else {
        return;
    };
    let said = messages(&output);
    assert_eq!(output.status.code(), Some(40), "{said}");
    assert!(
        said.contains("in/third: cannot be read: Permission denied"),
        "{said}"
    );
    assert!(
        said.contains("in/b: cannot be read: Permission denied"),
        "{said}"
    );
    assert!(
        said.contains("1 compressed") && said.contains("FAILED"),
        "{said}"
    );
    let output = as_nobody(here, "batch compress --level fast in elsewhere").expect("as before");
    let said = messages(&output);
    assert_eq!(output.status.code(), Some(41), "{said}");
    assert!(
        said.contains("elsewhere: cannot be written: Permission denied"),
        "{said}"
    );
    let output = as_nobody(here, "--level fast in/a/first").expect("as before");
    assert_eq!(output.status.code(), Some(41), "{}", messages(&output));
}

#[test]
fn what_has_no_content_is_named_and_odd_names_are_kept() {
    let folder = folder_of(files());
    let here = folder.path();
    for (kind, arguments) in [
        ("mkfifo", vec!["in/fifo"]),
        ("mknod", vec!["in/null", "c", "1", "3"]),
    ] {
        let made = Command::new(kind)
            .args(arguments)
            .current_dir(here)
            .output();
        if !made.expect("it runs").status.success() {
            eprintln!("no {kind} here");
        }
    }
    symlink("round", here.join("in/round")).expect("a link");
    symlink("..", here.join("in/up")).expect("a link");
    let odd = OsStr::from_bytes(b"in/not \xff utf-8\n");
    fs::write(here.join(odd), b"compressible ".repeat(100)).expect("written");
    let output = succeed(here, "batch compress --level fast in out");
    let said = messages(&output);
    assert!(said.contains("in/fifo: has no content, left out"), "{said}");
    if here.join("in/null").exists() {
        assert!(said.contains("in/null: has no content, left out"), "{said}");
    }
    succeed(here, "batch restore out back");
    let back = here
        .join("back")
        .join(odd.to_string_lossy().trim_start_matches("in/"));
    assert!(!back.exists(), "another name");
    let name = OsStr::from_bytes(b"back/not \xff utf-8\n");
    assert!(fs::read(here.join(name)).expect("restored") == b"compressible ".repeat(100));
    let link = fs::read_link(here.join("back/round")).expect("a link");
    assert_eq!(link, Path::new("round"));
}

#[test]
fn the_same_file_twice_is_done_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    fs::write(here.join("photo.jpg"), sample_photo()).expect("written");
    let output = succeed(here, "--level fast photo.jpg ./photo.jpg");
    let lines = messages(&output);
    assert_eq!(lines.lines().count(), 1, "{lines}");
}

#[test]
fn nobody_who_listens_is_no_reason_to_fail() {
    let folder = folder_of(files());
    let here = folder.path();
    let full = || {
        let file = fs::OpenOptions::new().write(true).open("/dev/full");
        Stdio::from(file.expect("there"))
    };
    for arguments in ["-r --level fast in", COMPRESS] {
        let status = lepta(here, arguments).stderr(full()).status();
        assert!(status.expect("lepta runs").success(), "{arguments}");
    }
    let compressed = here.join("in/a/first.lepta");
    fs::write(&compressed, "no container").expect("written");
    let status = lepta(here, "-t in/a/first.lepta").stderr(full()).status();
    assert_eq!(status.expect("lepta runs").code(), Some(54));
    let output = lepta(here, "batch list out").stdout(full()).output();
    assert_eq!(output.expect("lepta runs").status.code(), Some(42));
}

/// Takes minutes: `cargo test -p lepta --test troubles -- --ignored`.
#[test]
#[ignore = "takes minutes"]
fn a_hundred_thousand_small_files_in_one_folder_come_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    fs::create_dir(here.join("in")).expect("made");
    let content = |number: usize| format!("{} text ", number % 500).repeat(10);
    for number in 0..100_000 {
        fs::write(here.join(format!("in/{number}")), content(number)).expect("written");
    }
    let compress = "batch compress --json --level fast in out";
    let counts = summary(&succeed(here, compress));
    assert_eq!(counts["failed"], 0, "{counts}");
    let again = summary(&succeed(here, compress));
    assert_eq!(again["unchanged"], 100_000, "{again}");
    succeed(here, "batch restore out back");
    for number in 0..100_000 {
        let read = fs::read_to_string(here.join(format!("back/{number}"))).expect("restored");
        assert!(read == content(number), "{number}");
    }
}
