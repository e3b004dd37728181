//! The command line as an operator sees it: what is printed, where, and the exit code. Each command runs the real
//! program in a folder of its own, with nothing but what the test gives it in its environment.

mod check;
mod demo;
mod eval;
mod operator;
mod recheck;
mod stores;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::support::scratch::Scratch;

/// What a command came to.
pub struct Ran {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

/// A folder for the program's data.
pub struct Desk {
    pub data: Scratch,
}

impl Desk {
    pub fn new() -> Desk {
        Desk { data: Scratch::new() }
    }

    pub fn run(&self, args: &[&str]) -> Ran {
        self.run_with(args, &[], "")
    }

    pub fn start(&self, args: &[&str], env: &[(&str, &str)]) -> Child {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fieldproof"));
        command.args(args).env_clear().env("FIELDPROOF_DATA", &*self.data).envs(env.iter().copied());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    }

    pub fn run_with(&self, args: &[&str], env: &[(&str, &str)], input: &str) -> Ran {
        use std::io::Write as _;
        let mut child = self.start(args, env);
        // A program that ends without reading closes the pipe; that is no fault of the test.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let done = child.wait_with_output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Ran { code: done.status.code(), out: text(done.stdout), err: text(done.stderr) }
    }
}

pub fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}
