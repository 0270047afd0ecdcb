//! A PostgreSQL of the tests' own: Debian's programs, a folder that goes away, a socket and no port.
//!
//! The tests of one program share a server while one of them needs it; each has databases of its own. PostgreSQL does
//! not run as root: where the tests do, it runs as the user `postgres` that Debian's package makes.
#![allow(dead_code, reason = "each test binary uses its part")]

pub mod trouble;

use std::fs;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tempfile::TempDir;

/// Debian keeps the programs of each version in a folder of its own.
const VERSIONS: &str = "/usr/lib/postgresql";
/// The password of servers that want one.
pub const PASSWORD: &str = "kopeck";

static SHARED: Mutex<Weak<Server>> = Mutex::new(Weak::new());
static DATABASES: AtomicU64 = AtomicU64::new(0);

/// A running server, or one that was killed.
pub struct Server {
    folder: TempDir,
    user: Option<(u32, u32)>,
    process: Mutex<Option<Child>>,
    has_password: bool,
}

impl Server {
    /// The server that the tests of this program share.
    pub fn shared() -> Arc<Server> {
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(server) = shared.upgrade() {
            return server;
        }
        let server = Arc::new(Server::start(false));
        *shared = Arc::downgrade(&server);
        server
    }

    /// A server for one test, which asks for a password or not.
    pub fn start(has_password: bool) -> Server {
        let folder = tempfile::tempdir().unwrap();
        let user = unprivileged();
        let data = folder.path().join("data");
        let password = folder.path().join("password");
        fs::write(&password, PASSWORD).unwrap();
        for path in [folder.path(), &password] {
            user.iter().for_each(|(user, group)| chown(path, Some(*user), Some(*group)).unwrap());
        }
        let server = Server { folder, user, process: Mutex::default(), has_password };
        let mut make = server.program("initdb");
        make.args(["--no-sync", "--username=kopeck", "--encoding=UTF8", "--locale=C", "--pwfile"]);
        make.arg(&password).args(["--auth", if has_password { "scram-sha-256" } else { "trust" }]);
        let made = make.arg(&data).output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        server.run();
        server
    }

    /// Starts it, after a kill as well, and waits until it answers.
    pub fn run(&self) {
        let mut process = self.process.lock().unwrap_or_else(PoisonError::into_inner);
        assert!(process.is_none(), "it runs already");
        let log = fs::File::create(self.folder.path().join("log")).unwrap();
        let mut postgres = self.program("postgres");
        postgres.arg("-D").arg(self.data()).args(["-c", "listen_addresses=", "-c", "max_connections=300"]);
        postgres.arg("-c").arg(format!("unix_socket_directories={}", self.folder.path().display()));
        *process = Some(postgres.stdout(Stdio::null()).stderr(log).spawn().unwrap());
        drop(process);
        let mut ready = Command::new(program("pg_isready"));
        ready.arg("--host").arg(self.folder.path()).args(["--timeout=1", "--quiet"]);
        for _ in 0..2_000 {
            if ready.status().unwrap().success() {
                return;
            }
        }
        panic!("{}", fs::read_to_string(self.folder.path().join("log")).unwrap());
    }

    /// Ends it as a power cut would: the server and all that works for it, at once.
    pub fn kill(&self) {
        let mut process = self.process.lock().unwrap_or_else(PoisonError::into_inner);
        let mut server = process.take().unwrap();
        let children = children_of(server.id());
        server.kill().unwrap();
        server.wait().unwrap();
        for child in &children {
            signal(*child, "KILL");
        }
        // Whoever starts it again must not meet one of them.
        while children.iter().any(|child| is_alive(*child)) {
            std::thread::yield_now();
        }
    }

    /// Ends it in order: who is connected is told and put out.
    pub fn stop(&self) {
        let mut process = self.process.lock().unwrap_or_else(PoisonError::into_inner);
        let mut server = process.take().unwrap();
        signal(server.id(), "INT");
        server.wait().unwrap();
    }

    /// The address of a new, empty database.
    pub fn database(&self) -> String {
        let name = format!("test_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
        self.psql("postgres", &format!("CREATE DATABASE {name}"));
        self.address(&name)
    }

    /// The address of a database.
    pub fn address(&self, name: &str) -> String {
        let password = if self.has_password { format!(":{PASSWORD}") } else { String::new() };
        let folder = self.folder.path().display().to_string().replace('/', "%2F");
        format!("postgres://kopeck{password}@{folder}/{name}")
    }

    /// Runs statements in a database by PostgreSQL's own client; its rows, columns between `|`.
    pub fn psql(&self, database: &str, statements: &str) -> String {
        let mut psql = Command::new(program("psql"));
        psql.args(["--no-psqlrc", "--quiet", "--no-align", "--tuples-only", "--set=ON_ERROR_STOP=1"]);
        psql.arg("--host").arg(self.folder.path()).args(["--username=kopeck", "--dbname", database]);
        let told = psql.args(["--command", statements]).env("PGPASSWORD", PASSWORD).output().unwrap();
        assert!(told.status.success(), "{statements}: {}", String::from_utf8_lossy(&told.stderr));
        String::from_utf8(told.stdout).unwrap().trim_end().to_owned()
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn program(&self, name: &str) -> Command {
        let mut command = Command::new(program(name));
        command.current_dir(self.folder.path());
        if let Some((user, group)) = self.user {
            command.uid(user).gid(group);
        }
        command
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut server) = self.process.lock().unwrap_or_else(PoisonError::into_inner).take() {
            signal(server.id(), "QUIT");
            let _ = server.wait();
        }
    }
}

/// The name of the database in an address.
pub fn name_of(address: &str) -> &str {
    address.rsplit('/').next().unwrap()
}

/// How many numbered scripts there are.
pub fn newest_version() -> usize {
    let scripts =
        fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/postgres/migrations")).unwrap();
    let is_numbered = |name: &str| name.starts_with(|first: char| first.is_ascii_digit());
    scripts.filter(|script| script.as_ref().unwrap().file_name().to_str().is_some_and(is_numbered)).count()
}

/// Where a program of the newest version is.
fn program(name: &str) -> PathBuf {
    let versions = fs::read_dir(VERSIONS).into_iter().flatten().map(|version| version.unwrap().path());
    let newest = versions
        .filter(|version| version.join("bin").join("initdb").is_file())
        .max_by_key(|version| version.file_name().and_then(|name| name.to_str()?.parse::<u32>().ok()));
    let newest = newest.unwrap_or_else(|| {
        panic!("there is no PostgreSQL in {VERSIONS}: `cargo xtask test` installs it, as does `apt-get install postgresql`")
    });
    newest.join("bin").join(name)
}

/// Whom PostgreSQL runs as where the tests run as root.
fn unprivileged() -> Option<(u32, u32)> {
    let id = |options: &[&str]| {
        let told = Command::new("id").args(options).output().unwrap();
        String::from_utf8(told.stdout).unwrap().trim().parse::<u32>().ok()
    };
    if id(&["--user"]) != Some(0) {
        return None;
    }
    let user = ["postgres", "nobody"]
        .iter()
        .find_map(|name| Some((id(&["--user", name])?, id(&["--group", name])?)));
    Some(user.expect("a user who is not root"))
}

fn signal(process: u32, name: &str) {
    // One that has ended by itself needs none.
    let _ = Command::new("kill").args(["-s", name, &process.to_string()]).stderr(Stdio::null()).status();
}

/// The processes that a process has started and that still run.
fn children_of(process: u32) -> Vec<u32> {
    let numbers = fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| entry.unwrap().file_name().to_str().and_then(|name| name.parse::<u32>().ok()));
    numbers.filter(|number| stat(*number).is_some_and(|stat| stat.1 == process)).collect()
}

fn is_alive(process: u32) -> bool {
    stat(process).is_some_and(|(state, _)| state != 'Z')
}

/// A process's state and who started it.
fn stat(process: u32) -> Option<(char, u32)> {
    let stat = fs::read_to_string(Path::new("/proc").join(process.to_string()).join("stat")).ok()?;
    // The name stands in brackets and may hold spaces.
    let (_, rest) = stat.rsplit_once(')')?;
    let mut words = rest.split_whitespace();
    Some((words.next()?.chars().next()?, words.next()?.parse().ok()?))
}
