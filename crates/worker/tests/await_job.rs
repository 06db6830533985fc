//! A worker that was started ahead takes its job from its input.

mod support;

use std::io::Write;
use std::process::Stdio;

use lepta_codec::Level;
use lepta_worker::job::{ByteRange, JOB_HEADER_LENGTH, Job, Operation};
use support::{collect, compressed, mixed_input, noise, run, run_command, worker, worker_in_shell};

fn job(operation: Operation) -> Job {
    Job {
        level: Level::Fast,
        ..Job::of(operation)
    }
}

fn with_header(job: Job, object: &[u8]) -> Vec<u8> {
    [&job.encode()[..], object].concat()
}

#[test]
fn every_operation_does_what_the_command_line_would() {
    let original = mixed_input();
    let coded = compressed(&original);
    for arguments in ["--await-job", "--await-job --threads 2"] {
        let run = |operation, object: &[u8]| run(arguments, &with_header(job(operation), object));
        let compress = run(Operation::Compress, &original);
        assert!(compress.assert_status(0).output == coded);
        let decompress = run(Operation::Decompress, &coded);
        assert!(decompress.assert_status(0).output == original);
        let stored = run(Operation::Store, &original);
        let stored = &stored.assert_status(0).output;
        assert!(stored.len() > original.len());
        let decompress = run(Operation::Decompress, stored);
        assert!(decompress.assert_status(0).output == original);
        let verify = run(Operation::Verify, &coded);
        assert!(verify.assert_status(0).output.is_empty());
        run(Operation::Decompress, &coded[..50]).assert_status(50);
    }
}

#[test]
fn the_header_is_not_part_of_the_object() {
    let input = with_header(job(Operation::Compress), &[]);
    let report = run("--await-job --report json", &input)
        .assert_status(0)
        .report();
    assert_eq!(
        (&report["bytes_in"], &report["level"]),
        (&0.into(), &"fast".into())
    );
}

#[test]
fn the_job_decides_about_level_and_verification() {
    let original = mixed_input();
    let job = Job {
        level: Level::Default,
        verify: false,
        ..job(Operation::Compress)
    };
    let coded = run("--await-job --report json", &with_header(job, &original));
    let report = coded.assert_status(0).report();
    assert_eq!(
        (&report["level"], &report["verified"]),
        (&"default".into(), &false.into())
    );
    assert!(run("compress --level default", &original).output == coded.output);
}

#[test]
fn the_job_decides_about_the_part_that_comes_back() {
    let original = mixed_input();
    let coded = compressed(&original);
    let half = original.len() / 2;
    for (start, end) in [(0, 1), (half, half + 1000), (1, original.len())] {
        let job = Job {
            range: ByteRange::new(start as u64, end as u64),
            ..job(Operation::Decompress)
        };
        let part = run("--await-job", &with_header(job, &coded));
        assert!(part.assert_status(0).output == original[start..end]);
        let range = format!("decompress --range {start}..{end}");
        assert!(run(&range, &coded).output == part.output);
    }
    let beyond = Job {
        range: ByteRange::new(0, original.len() as u64 + 1),
        ..job(Operation::Decompress)
    };
    run("--await-job", &with_header(beyond, &coded)).assert_status(2);
}

#[test]
fn the_job_decides_where_models_start_anew() {
    let original = mixed_input();
    let job = Job {
        restart_every: 65_536,
        ..job(Operation::Compress)
    };
    let coded = run("--await-job", &with_header(job, &original));
    let said = run("compress --level fast --restart-every 65536", &original);
    assert!(coded.assert_status(0).output == said.output);
    assert!(coded.output != run("compress --level fast", &original).output);
}

#[test]
fn the_job_decides_about_the_reference() {
    let job = Job {
        reference: true,
        ..job(Operation::Compress)
    };
    let input = with_header(job, b"some bytes");
    // No reference was granted.
    assert!(
        run("--await-job", &input)
            .assert_status(2)
            .output
            .is_empty()
    );
    let script = r#"exec "$worker" "$@" 3<"$worker""#;
    let granted = |input| run_command(worker_in_shell(script, ARGUMENTS), input);
    const ARGUMENTS: &str = "--await-job --patch-from-fd 3 --report json";
    let report = granted(&input).assert_status(0).report();
    let reasons = report["reasons"].to_string();
    assert!(reasons.contains("no reference: "), "{reasons}");
    let without = Job {
        reference: false,
        ..job
    };
    let report = granted(&with_header(without, b"some bytes")).report();
    assert_eq!(report["reasons"].as_array().map(Vec::len), Some(0));
}

#[test]
fn a_worker_for_one_operation_refuses_others() {
    let input = with_header(job(Operation::Compress), b"some bytes");
    run("compress --await-job", &input).assert_status(0);
    let refused = run("decompress --await-job", &input);
    assert!(refused.assert_status(2).output.is_empty());
}

#[test]
fn an_incomplete_or_damaged_header_is_2() {
    let input = with_header(job(Operation::Compress), b"some bytes");
    for length in 0..JOB_HEADER_LENGTH {
        run("--await-job", &input[..length]).assert_status(2);
    }
    for byte in 0..JOB_HEADER_LENGTH {
        let mut damaged = input.clone();
        damaged[byte] ^= 0x10;
        let refused = run("--await-job", &damaged);
        assert!(refused.assert_status(2).output.is_empty());
    }
}

#[test]
fn limits_of_the_job_hold() {
    let limited = |input_limit, memory_limit, object: &[u8]| {
        let job = Job {
            input_limit,
            memory_limit,
            ..job(Operation::Compress)
        };
        run(
            "--await-job --memory-limit 20000000",
            &with_header(job, object),
        )
    };
    let object = noise(200_000);
    limited(Some(200_000), Some(20_000_000), &object).assert_status(0);
    limited(Some(199_999), None, &object).assert_status(32);
    limited(None, Some(20_000_001), &object).assert_status(2);
    limited(None, Some(1_000_000), &object).assert_status(30);
}

#[test]
fn the_jail_is_up_before_the_job_comes() {
    let mut child = worker("--await-job")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the worker starts");
    let path = format!("/proc/{}/status", child.id());
    let jailed = (0..6000).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(10));
        let status = std::fs::read_to_string(&path).expect("the worker waits");
        status.contains("Seccomp:\t2") && status.contains("NoNewPrivs:\t1")
    });
    assert!(jailed);
    let mut stdin = child.stdin.take().expect("a pipe");
    let input = with_header(job(Operation::Compress), b"some bytes");
    stdin.write_all(&input).expect("the worker reads");
    drop(stdin);
    collect(child).assert_status(0);
}
