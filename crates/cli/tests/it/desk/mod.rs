//! A desk for end-to-end tests: a fresh folder with files, and the real binary run in it.

use std::path::{Path, PathBuf};
use std::process::Output;

use assert_cmd::Command;
use tempfile::TempDir;

/// A folder of its own, removed with the desk.
pub struct Desk {
    folder: TempDir,
}

/// What a run of the binary answered.
pub struct Answer {
    /// Its exit code.
    pub code: i32,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

impl Desk {
    pub fn new() -> Desk {
        Desk { folder: tempfile::tempdir().unwrap() }
    }

    /// Puts a file on the desk.
    pub fn file(self, name: &str, content: impl AsRef<[u8]>) -> Desk {
        std::fs::write(self.folder.path().join(name), content).unwrap();
        self
    }

    /// The path of a file on the desk.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs the binary on the desk.
    pub fn kopeck(&self, line: &str) -> Answer {
        self.kopeck_reading(line, "")
    }

    /// Runs the binary on the desk with a standard input.
    pub fn kopeck_reading(&self, line: &str, stdin: impl Into<Vec<u8>>) -> Answer {
        self.kopeck_in(&[], line, stdin)
    }

    /// Runs the binary on the desk in an environment, with a standard input.
    pub fn kopeck_in(&self, environment: &[(&str, &str)], line: &str, stdin: impl Into<Vec<u8>>) -> Answer {
        let mut command = Command::cargo_bin("kopeck").unwrap();
        let run = command.current_dir(self.folder.path()).args(line.split_whitespace()).write_stdin(stdin);
        // The width of help is that of no terminal.
        let run = run.env_remove("COLUMNS").envs(environment.iter().copied());
        Answer::of(run.output().unwrap())
    }
}

impl Answer {
    /// The answer of a run.
    pub fn of(output: Output) -> Answer {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Answer {
            code: output.status.code().unwrap(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }

    /// All of it, as a snapshot.
    pub fn whole(&self) -> String {
        format!("exit code {}\n--- stdout\n{}--- stderr\n{}", self.code, self.stdout, self.stderr)
    }
}

/// The root of the workspace.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().parent().unwrap().to_path_buf()
}
