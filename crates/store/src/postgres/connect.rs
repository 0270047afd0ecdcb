//! Connections: where the database is, how it is reached, and asking it from threads that wait.
//!
//! Sockets are driven by a small runtime of the store's own; whoever asks waits for the answer in his own thread, inside
//! async code or not. Without `sslmode=require` in the address nothing is encrypted; with it the server's certificate
//! and name are verified, against the system's roots or those that `SSL_CERT_FILE` names.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustls::ClientConfig;
use rustls_platform_verifier::BuilderVerifierExt;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Config, Error, NoTls, Row, Statement};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::error::StoreError;
use crate::postgres::error::{PostgresError, failed, unconnected};

/// A server that does not answer for so long is not there, where the address does not say otherwise.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// What was sent and is not confirmed for so long has lost its connection.
const SEND_TIMEOUT: Duration = Duration::from_secs(30);
/// A transaction that its owner has left alone for so long ends, so that its locks do not outlive a lost node by much.
const IDLE_IN_TRANSACTION: &str = "SET idle_in_transaction_session_timeout = '30s'";
/// What a commit acknowledges is on the disk, whatever the server's default is; a stronger one stays.
const DURABLE: &str = "SELECT set_config('synchronous_commit', 'on', false) \
                       WHERE current_setting('synchronous_commit') = 'off'";

/// Where a database is, and the runtime that drives its connections.
#[derive(Clone)]
pub struct Address {
    config: Config,
    tls: Option<MakeRustlsConnect>,
    /// Its name for people, without the password.
    name: Arc<str>,
    runtime: Arc<Driver>,
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Address").field(&self.name).finish()
    }
}

impl Address {
    /// Reads an address such as `postgres://user:password@host:5432/name?sslmode=require`.
    ///
    /// # Errors
    /// [`PostgresError::Address`].
    pub fn read(text: &str) -> Result<Address, StoreError> {
        let mut config: Config =
            text.parse().map_err(|error: Error| PostgresError::Address(super::error::words(&error)))?;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err(PostgresError::Address("it names no host".to_owned()).into());
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT_TIMEOUT);
        }
        if config.get_tcp_user_timeout().is_none() {
            config.tcp_user_timeout(SEND_TIMEOUT);
        }
        if config.get_application_name().is_none() {
            config.application_name("kopeck");
        }
        config.keepalives_idle(SEND_TIMEOUT);
        let tls = (config.get_ssl_mode() == SslMode::Require).then(encrypted).transpose()?;
        let name = name_of(&config).into();
        Ok(Address { config, tls, name, runtime: Arc::new(Driver::start()?) })
    }

    /// Its name for people, without the password.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Connects.
    ///
    /// # Errors
    /// [`PostgresError::Unreachable`], [`PostgresError::Login`], [`PostgresError::NoDatabase`].
    pub fn connect(&self) -> Result<Session, StoreError> {
        let (answer, answered) = oneshot::channel();
        let (config, tls) = (self.config.clone(), self.tls.clone());
        self.runtime.spawn(async move {
            let connected = match tls {
                Some(tls) => config.connect(tls).await.map(|(client, connection)| {
                    tokio::spawn(connection);
                    client
                }),
                None => config.connect(NoTls).await.map(|(client, connection)| {
                    tokio::spawn(connection);
                    client
                }),
            };
            // Who asked may have gone.
            let _ = answer.send(connected);
        });
        let connected = pollster::block_on(answered).map_err(|_| StoreError::Closed)?;
        let client = connected.map_err(|error| unconnected(&self.name, &error))?;
        let session = Session { client, statements: Mutex::default() };
        session.run(IDLE_IN_TRANSACTION).map_err(|error| failed(&error))?;
        session.run(DURABLE).map_err(|error| failed(&error))?;
        Ok(session)
    }
}

fn name_of(config: &Config) -> String {
    let host = match (config.get_hosts().first(), config.get_hostaddrs().first()) {
        (Some(Host::Tcp(name)), _) => name.clone(),
        (Some(Host::Unix(path)), _) => path.display().to_string(),
        (None, address) => address.map(ToString::to_string).unwrap_or_default(),
    };
    let port = config.get_ports().first().map(|port| format!(":{port}")).unwrap_or_default();
    let user = config.get_user().map(|user| format!("{user}@")).unwrap_or_default();
    let database = config.get_dbname().or(config.get_user()).unwrap_or_default();
    format!("postgres://{user}{host}{port}/{database}")
}

fn encrypted() -> Result<MakeRustlsConnect, StoreError> {
    let failed = |error: rustls::Error| PostgresError::Address(format!("no encryption here: {error}"));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(BuilderVerifierExt::with_platform_verifier)
        .map_err(failed)?;
    Ok(MakeRustlsConnect::new(config.with_no_client_auth()))
}

/// The runtime that drives connections.
struct Driver(Option<Runtime>);

impl Driver {
    fn start() -> Result<Driver, StoreError> {
        let runtime =
            Builder::new_multi_thread().worker_threads(1).thread_name("kopeck-postgres").enable_all().build();
        let failed = |error| StoreError::io("start a thread for", std::path::Path::new("PostgreSQL"), error);
        runtime.map(|runtime| Driver(Some(runtime))).map_err(failed)
    }

    fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        if let Some(runtime) = &self.0 {
            runtime.spawn(work);
        }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // Its last owner may be async code, which may not wait for it.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// One connection, and the statements that were prepared on it.
pub struct Session {
    client: Client,
    statements: Mutex<HashMap<&'static str, Statement>>,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("is_closed", &self.is_closed()).finish_non_exhaustive()
    }
}

impl Session {
    /// Whether it is of no more use.
    pub fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// Runs statements that have neither parameters nor an answer.
    ///
    /// # Errors
    /// What the server says.
    pub fn run(&self, sql: &str) -> Result<(), Error> {
        pollster::block_on(self.client.batch_execute(sql))
    }

    /// The rows that a statement answers.
    ///
    /// # Errors
    /// What the server says.
    pub fn rows(&self, sql: &'static str, values: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, Error> {
        let statement = self.statement(sql)?;
        pollster::block_on(self.client.query(&statement, values))
    }

    /// The only row that a statement answers, if it answers one.
    ///
    /// # Errors
    /// What the server says.
    pub fn row(&self, sql: &'static str, values: &[&(dyn ToSql + Sync)]) -> Result<Option<Row>, Error> {
        Ok(self.rows(sql, values)?.pop())
    }

    fn statement(&self, sql: &'static str) -> Result<Statement, Error> {
        let known = |statements: &HashMap<_, Statement>| statements.get(sql).cloned();
        if let Some(statement) = known(&self.statements.lock().unwrap_or_else(PoisonError::into_inner)) {
            return Ok(statement);
        }
        let statement = pollster::block_on(self.client.prepare(sql))?;
        self.statements.lock().unwrap_or_else(PoisonError::into_inner).insert(sql, statement.clone());
        Ok(statement)
    }
}
