//! The demonstration as two people start it who do not know of each other.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStdout};

use super::Desk;

const DEMO: [&str; 3] = ["demo", "--listen", "127.0.0.1:0"];

/// A demonstration that has begun to tell: its first line, and the rest of what it tells.
fn begun(desk: &Desk) -> (Child, String, BufReader<ChildStdout>) {
    let mut child = desk.start(&DEMO, &[]);
    let mut told = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    told.read_line(&mut line).unwrap();
    (child, line, told)
}

#[test]
fn a_folder_has_one_demonstration_at_a_time() {
    let desk = Desk::new();
    let (mut first, line, _told) = begun(&desk);
    assert!(line.starts_with("Playing three days"), "{line}");
    for more in [&[][..], &["--fresh"]] {
        let second = desk.run(&[&DEMO, more].concat());
        assert_eq!((second.code, second.out.as_str()), (Some(1), ""));
        let sentence = format!(
            "The folder {} is in use by another `fieldproof demo`: stop it first, or name another folder with --data.\n",
            desk.data.display()
        );
        assert_eq!(second.err, sentence);
    }
    assert_eq!(first.try_wait().unwrap(), None, "the first one was not disturbed");
    first.kill().unwrap();
    first.wait().unwrap();

    // Who was killed holds nothing.
    let (mut third, line, _told) = begun(&desk);
    assert!(line.contains("was stopped half way: it starts over"), "{line}");
    third.kill().unwrap();
    third.wait().unwrap();
}
