//! Every fault of input and output has its status and one line, and no message storm.

mod support;

use std::fs::File;
use std::io::{Read, Write};
use std::process::Stdio;
use std::thread;

use support::{
    collect, compressed, finish, mixed_input, noise, run, run_command, sample_photo, worker,
    worker_in_shell,
};

#[test]
fn wrong_usage_is_2_and_nothing_is_read_or_written() {
    for arguments in ["", "shrink", "compress --level best", "verify --no-verify"] {
        let run = run(arguments, b"input");
        assert!(run.assert_status(2).output.is_empty(), "{arguments}");
    }
}

#[test]
fn help_and_version_go_to_standard_output() {
    for arguments in ["--help", "--version", "compress --help"] {
        let run = run(arguments, &[]);
        assert_eq!((run.status, run.messages.as_str()), (Some(0), ""));
        assert!(run.output.starts_with(b"Usage: ") || run.output.starts_with(b"lepta-worker "));
    }
}

#[test]
fn a_directory_as_input_is_40() {
    for operation in ["compress", "decompress", "verify", "compress --threads 2"] {
        let mut command = worker(operation);
        command
            .stdin(File::open("/").expect("the root"))
            .stdout(Stdio::piped());
        let run = finish(command);
        assert!(
            run.assert_status(40).messages.contains("directory"),
            "{run:?}"
        );
        assert!(run.output.is_empty());
    }
}

#[test]
fn closed_descriptors_are_noticed() {
    let run = |script: &str, operation: &str| {
        let mut command = worker_in_shell(script, operation);
        command.stdin(Stdio::null());
        command.stdout(Stdio::null());
        finish(command)
    };
    for operation in ["compress", "decompress", "verify"] {
        run(r#"exec "$worker" "$@" <&-"#, operation).assert_status(40);
    }
    for operation in ["compress", "decompress", "--await-job"] {
        run(r#"exec "$worker" "$@" >&-"#, operation).assert_status(41);
    }
    let closed_error = run(r#"exec "$worker" "$@" 2>&-"#, "compress");
    assert_eq!(
        (closed_error.status, closed_error.messages.as_str()),
        (Some(0), "")
    );
}

#[test]
fn a_reference_that_is_not_open_is_2() {
    for number in ["3", "9", "2147483647", "99999999999"] {
        let arguments = format!("compress --patch-from-fd {number}");
        let refused = run(&arguments, b"some bytes");
        assert!(refused.assert_status(2).output.is_empty());
    }
}

#[test]
fn verify_needs_no_output() {
    let command = worker_in_shell(r#"exec "$worker" "$@" >&-"#, "verify");
    run_command(command, &compressed(b"some bytes")).assert_status(0);
}

#[test]
fn a_full_device_is_42() {
    for (arguments, input) in [
        ("compress", noise(1_000_000)),
        ("compress --threads 2", noise(1_000_000)),
        ("decompress", compressed(&noise(300_000))),
    ] {
        let command = worker_in_shell(r#"exec "$worker" "$@" >/dev/full"#, arguments);
        run_command(command, &input).assert_status(42);
    }
    let help = worker_in_shell(r#"exec "$worker" "$@" >/dev/full"#, "--help");
    run_command(help, &[]).assert_status(42);
}

#[test]
fn a_limit_of_file_size_is_42() {
    let file = std::env::temp_dir().join(format!("lepta-worker-test-{}", std::process::id()));
    for threads in ["1", "2"] {
        let script = format!(
            r#"ulimit -f 1 && exec "$worker" "$@" >'{}'"#,
            file.display()
        );
        let command = worker_in_shell(&script, &format!("compress --threads {threads}"));
        run_command(command, &noise(300_000)).assert_status(42);
    }
    std::fs::remove_file(file).expect("the file");
}

/// Runs the worker with a reader that goes away after `taken` bytes.
fn run_with_early_reader(arguments: &str, input: &[u8], taken: usize) {
    let mut child = worker(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the worker starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    let mut stdout = child.stdout.take().expect("a pipe");
    thread::scope(|scope| {
        scope.spawn(move || {
            // The worker ends before it has read all.
            let _ = stdin.write_all(input);
        });
        stdout
            .read_exact(&mut vec![0; taken])
            .expect("that much comes");
        drop(stdout);
        collect(child).assert_status(41);
    });
}

#[test]
fn a_reader_that_goes_away_is_41() {
    let input = noise(2_000_000);
    let coded = compressed(&input);
    for taken in [0, 1, 4095, 65_536] {
        run_with_early_reader("compress", &input, taken);
        run_with_early_reader("compress --threads 2", &input, taken);
        run_with_early_reader("decompress", &coded, taken);
    }
}

#[test]
fn with_two_threads_a_broken_output_ends_the_wait_for_input() {
    let mut child = worker("compress --threads 2")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the worker starts");
    drop(child.stdout.take());
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(&noise(300_000)).expect("the worker reads");
    // The input stays open: only the verifying thread can end the process.
    collect(child).assert_status(41);
    drop(stdin);
}

#[test]
fn too_little_memory_is_30_and_says_how_much_is_needed() {
    for operation in ["compress", "decompress", "verify"] {
        let refused = run(&format!("{operation} --memory-limit 1000000"), &[]);
        refused.assert_status(30);
        assert!(refused.output.is_empty());
        let words = refused
            .messages
            .split(' ')
            .filter_map(|word| word.parse().ok());
        let needed: u64 = words.max().expect("a number of bytes");
        let input = match operation {
            "compress" => sample_photo(),
            _ => compressed(&noise(200_000)),
        };
        run(&format!("{operation} --memory-limit {needed}"), &input).assert_status(0);
    }
}

#[test]
fn used_up_time_is_31() {
    let mut command = worker("compress --level default --time-limit 1 --report json");
    command
        .stdin(File::open("/dev/zero").expect("a device"))
        .stdout(Stdio::null());
    let run = finish(command);
    let report = run.assert_status(31).report();
    assert_eq!(report["status_name"], "time");
    assert_eq!(report["operation"], "compress");
    assert_eq!(report["verified"], false);
    assert!(report["bytes_in"].as_u64() > Some(0));
}

#[test]
fn without_a_jail_it_is_62_and_the_input_is_left_alone() {
    let input = std::env::temp_dir().join(format!("lepta-worker-input-{}", std::process::id()));
    std::fs::write(&input, b"still here").expect("a file");
    // Five descriptors suffice to start, but not for the pipes between threads. What reads after
    // the worker shares its place in the file.
    let script = format!(
        r#"exec <'{}'; (exec >/dev/null; ulimit -n 5 && exec "$worker" "$@"); status=$?; cat; exit $status"#,
        input.display()
    );
    let mut command = worker_in_shell(&script, "compress --threads 2");
    command.stdout(Stdio::piped());
    let run = finish(command);
    std::fs::remove_file(input).expect("the file");
    assert_eq!(run.assert_status(62).output, b"still here");
    assert!(run.messages.contains("no jail"), "{run:?}");
}

#[test]
fn truncation_is_50_at_every_place() {
    let coded = compressed(&mixed_input()[..150_000]);
    let lengths = (0..200).chain((200..coded.len()).step_by(997));
    for length in lengths.chain(coded.len() - 40..coded.len()) {
        for operation in ["decompress", "verify"] {
            run(operation, &coded[..length]).assert_status(50);
        }
    }
}

#[test]
fn what_is_no_container_is_54() {
    let whole = compressed(b"some bytes");
    run("decompress", b"?").assert_status(54);
    run("decompress", &sample_photo()).assert_status(54);
    for rest in [&b"?"[..], b"some fifteen...", b"and more than a header"] {
        for operation in ["decompress", "verify"] {
            run(operation, &[&whole, rest].concat()).assert_status(54);
        }
    }
    let begun = [&whole[..], &whole[..10]].concat();
    run("decompress", &begun).assert_status(50);
}

#[test]
fn a_flipped_bit_is_never_a_success() {
    let coded = compressed(&mixed_input()[..3000]);
    for bit in 0..coded.len() * 8 {
        if bit >= 400 && bit % 61 > 0 {
            continue;
        }
        let mut damaged = coded.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        let run = run("verify", &damaged);
        run.assert_one_line();
        assert!(
            (50..55).contains(&run.status.expect("no signal")),
            "bit {bit}: {run:?}"
        );
    }
}
