//! The real server in a folder of its own, and a client that keeps its connection.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

/// The operator's token.
pub const TOKEN: &str = "a-token-of-the-tests-with-40-characters!";
/// An answer that takes longer is none.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The root of the workspace.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().parent().unwrap().to_path_buf()
}

/// The binary, to be run in a folder.
pub fn kopeck(folder: &Path, line: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kopeck"));
    command.current_dir(folder).args(line.split_whitespace());
    command
}

/// A running server. Its log is the file `log` of its folder.
pub struct Server {
    process: Child,
    _output: BufReader<ChildStdout>,
    /// Where it listens.
    pub address: String,
}

impl Server {
    /// Starts one on the folder `data` of a folder, with more arguments.
    pub fn start(folder: &Path, args: &str) -> Server {
        Server::run(folder, &format!("--data data {args}"))
    }

    /// Starts one on a database that others may work on as well.
    pub fn among(folder: &Path, database: &str) -> Server {
        Server::run(folder, &format!("--database {database}"))
    }

    fn run(folder: &Path, args: &str) -> Server {
        let mut command = kopeck(folder, "serve --listen 127.0.0.1:0");
        command.args(args.split_whitespace()).env("KOPECK_OPERATOR_TOKEN", TOKEN).env("KOPECK_LOG", "warn");
        let log = std::fs::OpenOptions::new().create(true).append(true).open(folder.join("log")).unwrap();
        #[expect(
            clippy::zombie_processes,
            reason = "a test that fails here ends, and all of its children with it"
        )]
        let mut process = command.stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let mut output = BufReader::new(process.stdout.take().unwrap());
        loop {
            let mut line = String::new();
            let read = output.read_line(&mut line).unwrap();
            let log = || std::fs::read_to_string(folder.join("log")).unwrap_or_default();
            assert!(read > 0, "the server ended before it served: {}", log());
            if let Some((_, rest)) = line.split_once("serves at http://") {
                let address = rest.split(',').next().unwrap().to_owned();
                return Server { process, _output: output, address };
            }
        }
    }

    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// What the system says of its memory: `VmRSS` now, `VmHWM` at its peak.
    pub fn memory_kib(&self, field: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with(field)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    pub fn client(&self) -> Client {
        Client::connect(&self.address, TOKEN).unwrap()
    }

    /// One request on a connection of its own.
    pub fn ask(&self, request: &str, key: &str, body: &Value) -> (u16, Value) {
        self.client().ask(request, key, body).unwrap()
    }

    /// One that must be answered with this status.
    pub fn done(&self, status: u16, request: &str, key: &str, body: &Value) -> Value {
        let (answered, answer) = self.ask(request, key, body);
        assert_eq!(answered, status, "{request} {body}: {answer}");
        answer
    }

    /// Kills it at once, as a loss of power would.
    pub fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Asks it to end.
    pub fn terminate(&self) {
        self.signal("TERM");
    }

    /// Sends it a signal.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// Waits for its end.
    pub fn ended(&mut self) -> Option<i32> {
        self.process.wait().unwrap().code()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Ended already, or the test has failed.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A client with one connection that it keeps.
pub struct Client {
    stream: BufReader<TcpStream>,
    /// None where it is empty.
    token: String,
}

impl Client {
    pub fn connect(address: &str, token: &str) -> io::Result<Client> {
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        Ok(Client { stream: BufReader::new(stream), token: token.to_owned() })
    }

    /// Sends JSON, or nothing where it is null.
    pub fn ask(&mut self, request: &str, key: &str, body: &Value) -> io::Result<(u16, Value)> {
        let text = if body.is_null() { String::new() } else { body.to_string() };
        self.send(request, &[("Content-Type", "application/json"), ("Idempotency-Key", key)], text.as_bytes())
    }

    /// Sends a body with header fields of its own.
    pub fn send(&mut self, request: &str, fields: &[(&str, &str)], body: &[u8]) -> io::Result<(u16, Value)> {
        let mut head = format!("{request} HTTP/1.1\r\nHost: kopeck\r\n");
        if !self.token.is_empty() {
            head += &format!("Authorization: Bearer {}\r\n", self.token);
        }
        for (name, value) in fields {
            head += &format!("{name}: {value}\r\n");
        }
        head += &format!("Content-Length: {}\r\n\r\n", body.len());
        let written = self.write(head.as_bytes()).and_then(|()| self.write(body));
        // One that refuses a body need not read it: its answer may be there all the same.
        let answer = self.answer();
        if answer.is_err() { written.and(answer) } else { answer }
    }

    /// Writes bytes as they are.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.get_mut().write_all(bytes)
    }

    /// Says that nothing more comes.
    pub fn half_close(&mut self) {
        // The other end may have gone already.
        let _ = self.stream.get_mut().shutdown(std::net::Shutdown::Write);
    }

    /// Reads an answer: its status, and its body where that is JSON.
    pub fn answer(&mut self) -> io::Result<(u16, Value)> {
        let (status, body) = self.raw_answer()?;
        let text = || Value::String(String::from_utf8_lossy(&body).into_owned());
        Ok((status, serde_json::from_slice(&body).unwrap_or_else(|_| text())))
    }

    fn raw_answer(&mut self) -> io::Result<(u16, Vec<u8>)> {
        let ended = || io::Error::new(io::ErrorKind::UnexpectedEof, "the connection ended");
        let first = self.line()?;
        let status = first.split(' ').nth(1).and_then(|word| word.parse().ok()).ok_or_else(ended)?;
        let (mut length, mut chunked) = (None, false);
        loop {
            let line = self.line()?.to_ascii_lowercase();
            match line.split_once(':') {
                None => break,
                Some(("content-length", value)) => length = value.trim().parse::<usize>().ok(),
                Some(("transfer-encoding", value)) => chunked = value.trim() == "chunked",
                Some(_) => {}
            }
        }
        let mut body = Vec::new();
        while chunked {
            let size = usize::from_str_radix(self.line()?.trim(), 16).map_err(io::Error::other)?;
            self.take(size, &mut body)?;
            self.line()?;
            chunked = size > 0;
        }
        self.take(length.unwrap_or(0), &mut body)?;
        Ok((status, body))
    }

    /// A line without its end; an error where the connection ends.
    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        line.truncate(line.trim_end().len());
        Ok(line)
    }

    fn take(&mut self, bytes: usize, to: &mut Vec<u8>) -> io::Result<()> {
        let from = to.len();
        to.resize(from + bytes, 0);
        self.stream.read_exact(&mut to[from..])
    }
}
