//! A server of kopeck over HTTP: requests with the token, and what goes wrong on the way, in words for a person.

use std::env;
use std::fmt;
use std::fs;
use std::io::{self, Read};
use std::time::Duration;

use kopeck_api::Problem;
use kopeck_api::page::Page;
use kopeck_api::problem::PROBLEM_JSON;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use ureq::http::Response;
use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, Body, Error, RequestBuilder, Timeout};
use uuid::Uuid;

use crate::args::ServerArg;
use crate::failure::Failure;

/// Where the environment names the server.
pub const URL: &str = "KOPECK_URL";
/// Where the environment holds the token.
const TOKEN: &str = "KOPECK_TOKEN";
/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(10);
/// How long an answer may take to begin: a large journal is verified within it.
const ANSWER: Duration = Duration::from_secs(600);
/// The most bytes of an answer that is one document.
const LARGEST: u64 = 64 << 20;
/// What stands for itself in a path's segment.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// A server, and what is shown to it.
pub struct Server {
    agent: Agent,
    /// Its address, without a slash at the end.
    base: String,
    token: String,
}

/// How a document is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Something new.
    Post,
    /// A new value.
    Put,
    /// An end.
    Delete,
}

/// Why there is no answer.
#[derive(Debug)]
pub enum Unanswered {
    /// The server says what is wrong, and how long to wait, where waiting helps.
    Problem(Box<Problem>, Option<Duration>),
    /// The server was not reached: nothing was done. With the remedy.
    Unreached(String, &'static str),
    /// The connection failed after the request was on its way: it may have been done.
    Lost(String),
    /// What answers is no server of kopeck.
    Foreign(String),
}

impl Unanswered {
    /// What happened, in a line.
    pub fn reason(&self) -> &str {
        match self {
            Unanswered::Problem(problem, _) => &problem.detail,
            Unanswered::Unreached(reason, _) | Unanswered::Lost(reason) | Unanswered::Foreign(reason) => {
                reason
            }
        }
    }
}

impl Server {
    /// The server that options or the environment name, with its token. Nothing is sent yet.
    pub fn open(args: &ServerArg) -> Result<Server, Failure> {
        let remedy = "give --url such as https://kopeck.example, or set KOPECK_URL";
        let url = args.url.clone().or_else(|| env::var(URL).ok()).filter(|url| !url.is_empty());
        let url = url.ok_or_else(|| Failure::input("no server is named", None, remedy))?;
        let base = url.trim_end_matches('/').to_owned();
        let parsed: Option<ureq::http::Uri> = base.parse().ok();
        let is_url = parsed.is_some_and(|uri| {
            matches!(uri.scheme_str(), Some("http" | "https"))
                && uri.authority().is_some_and(|authority| !authority.as_str().contains('@'))
                && uri.query().is_none()
        });
        if !is_url {
            return Err(Failure::input(format!("{url:?} is not the address of a server"), None, remedy));
        }
        Ok(Server { agent: agent(), base, token: token(args)? })
    }

    /// Its address, as messages give it.
    pub fn name(&self) -> &str {
        &self.base
    }

    /// Asks for a document.
    pub fn get<T: DeserializeOwned>(&self, path: &str, query: &[(&str, String)]) -> Result<T, Unanswered> {
        document(self.asked(path, query).call())
    }

    /// All items of a list, page by page.
    pub fn pages<T: DeserializeOwned>(
        &self,
        path: &str,
        mut query: Vec<(&str, String)>,
    ) -> Result<Vec<T>, Unanswered> {
        let mut items = Vec::new();
        loop {
            let page: Page<T> = self.get(path, &query)?;
            items.extend(page.items);
            let Some(next) = page.next else { return Ok(items) };
            query.retain(|(name, _)| *name != "cursor");
            query.push(("cursor", next));
        }
    }

    /// Sends a document, under an id where it is done once.
    pub fn send<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        id: Option<Uuid>,
        body: &impl Serialize,
    ) -> Result<T, Unanswered> {
        // Documents are texts, numbers and lists of them, which JSON can always hold.
        let body = serde_json::to_vec(body).unwrap_or_default();
        let mut request = self.sent(method, path).header("Content-Type", "application/json");
        if let Some(id) = id {
            request = request.header("Idempotency-Key", id.to_string());
        }
        document(request.send(&body[..]))
    }

    /// Ends something.
    pub fn delete(&self, path: &str) -> Result<(), Unanswered> {
        answer(self.sent(Method::Delete, path).send_empty()).map(|_| ())
    }

    /// Sends bytes of a type that are packed.
    pub fn send_packed<T: DeserializeOwned>(
        &self,
        path: &str,
        (kind, encoding): (&str, &str),
        body: &[u8],
    ) -> Result<T, Unanswered> {
        let request = self.sent(Method::Post, path).header("Content-Type", kind);
        document(request.header("Content-Encoding", encoding).send(body))
    }

    /// Asks for something that comes for as long as it likes.
    pub fn stream(&self, path: &str, query: &[(&str, String)]) -> Result<impl Read + use<>, Unanswered> {
        Ok(answer(self.asked(path, query).call())?.into_body().into_reader())
    }

    fn asked(&self, path: &str, query: &[(&str, String)]) -> RequestBuilder<ureq::typestate::WithoutBody> {
        let request = self.agent.get(format!("{}/{path}", self.base));
        let request = request.header("Authorization", format!("Bearer {}", self.token));
        query.iter().fold(request, |request, (name, value)| request.query(name, value))
    }

    fn sent(&self, method: Method, path: &str) -> RequestBuilder<ureq::typestate::WithBody> {
        let url = format!("{}/{path}", self.base);
        let request = match method {
            Method::Post => self.agent.post(url),
            Method::Put => self.agent.put(url),
            // What is ended is named by the address alone; a body of nothing says no more.
            Method::Delete => self.agent.delete(url).force_send_body(),
        };
        request.header("Authorization", format!("Bearer {}", self.token))
    }

    /// Why there is no answer, in words for a person.
    pub fn failure(&self, error: Unanswered) -> Failure {
        let input = |reason: String, remedy: &str| Failure::input(reason, Some(&self.base), remedy);
        match error {
            Unanswered::Problem(problem, _) => {
                let remedy = match problem.kind() {
                    "unauthenticated" => {
                        "give a token of this server in KOPECK_TOKEN or with --token-file; `kopeck serve` prints the \
                         operator's at its first start"
                    }
                    "internal" => return self.fault(&problem),
                    _ => problem.remedy.as_deref().unwrap_or("see /openapi.json of the server"),
                };
                input(problem.detail.clone(), remedy)
            }
            Unanswered::Unreached(reason, remedy) => input(reason, remedy),
            Unanswered::Lost(reason) => input(reason, "ask again"),
            Unanswered::Foreign(reason) => self.foreign(&reason),
        }
    }

    fn fault(&self, problem: &Problem) -> Failure {
        let id = problem.request_id.as_deref().unwrap_or("unknown");
        let remedy = format!("tell its operator the request's id, {id}: the log says more under it");
        Failure::input(format!("the server failed: {}", problem.detail), Some(&self.base), remedy)
    }

    /// What answers is no server of kopeck, or of another version.
    pub fn foreign(&self, reason: &str) -> Failure {
        Failure::input(
            format!("what answers is not a server of kopeck that this program knows: {reason}"),
            Some(&self.base),
            "check --url or KOPECK_URL, and that the server is not newer than this program",
        )
    }

    /// A stream that was cut.
    pub fn cut(&self, error: &io::Error) -> Failure {
        let remedy = "what came is not whole: ask again";
        Failure::input(format!("the connection failed: {error}"), Some(&self.base), remedy)
    }
}

/// A text as one segment of a path.
pub fn segment(text: &str) -> impl fmt::Display + '_ {
    utf8_percent_encode(text, SEGMENT)
}

fn agent() -> Agent {
    // Another part of the program may have chosen before: then that is used.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let tls = TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build();
    let config = Agent::config_builder()
        .tls_config(tls)
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .timeout_connect(Some(CONNECT))
        .timeout_recv_response(Some(ANSWER))
        .user_agent(concat!("kopeck/", env!("CARGO_PKG_VERSION")));
    Agent::new_with_config(config.build())
}

/// The token, which never stands on the command line, where others could see it.
fn token(args: &ServerArg) -> Result<String, Failure> {
    let (text, from) = match &args.token_file {
        Some(file) => {
            let path = file.display().to_string();
            (fs::read_to_string(file).map_err(|error| Failure::file(&path, "read", &error))?, path)
        }
        None => (env::var(TOKEN).unwrap_or_default(), TOKEN.to_owned()),
    };
    let token = text.trim();
    let remedy = "set KOPECK_TOKEN, or name a file that holds the token with --token-file";
    if token.is_empty() {
        return Err(Failure::input(format!("there is no token for the server in {from}"), None, remedy));
    }
    if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Failure::input(format!("what {from} holds is not a token"), None, remedy));
    }
    Ok(token.to_owned())
}

/// An answer of success.
fn answer(called: Result<Response<Body>, Error>) -> Result<Response<Body>, Unanswered> {
    let mut response = called.map_err(unanswered)?;
    if response.status().is_success() {
        return Ok(response);
    }
    let status = response.status();
    let wait = response.headers().get("Retry-After").and_then(|wait| wait.to_str().ok()?.parse().ok());
    let wait = wait.map(Duration::from_secs);
    let body = response.body_mut();
    let is_problem = body.mime_type() == Some(PROBLEM_JSON);
    let text = body.with_config().limit(LARGEST).read_to_vec().map_err(unanswered)?;
    match serde_json::from_slice(&text) {
        Ok(problem) if is_problem => Err(Unanswered::Problem(problem, wait)),
        _ => Err(Unanswered::Foreign(format!("it answers {status}"))),
    }
}

fn document<T: DeserializeOwned>(called: Result<Response<Body>, Error>) -> Result<T, Unanswered> {
    let mut response = answer(called)?;
    let text = response.body_mut().with_config().limit(LARGEST).read_to_vec().map_err(unanswered)?;
    serde_json::from_slice(&text).map_err(|error| Unanswered::Foreign(error.to_string()))
}

/// What a failure of the connection means.
fn unanswered(error: Error) -> Unanswered {
    const ADDRESS: &str = "check --url or KOPECK_URL, and that the server runs";
    let tls = |error: &rustls::Error| {
        let remedy = "check that the address is right, https where the server speaks TLS, and its certificate one \
                      that this system trusts";
        Unanswered::Unreached(format!("no secure connection: {error}"), remedy)
    };
    match error {
        Error::Io(error) => {
            if let Some(error) = error.get_ref().and_then(|error| error.downcast_ref()) {
                return tls(error);
            }
            match error.kind() {
                io::ErrorKind::ConnectionRefused
                | io::ErrorKind::HostUnreachable
                | io::ErrorKind::NetworkUnreachable
                | io::ErrorKind::AddrNotAvailable => {
                    Unanswered::Unreached(format!("the server can not be reached: {error}"), ADDRESS)
                }
                _ => Unanswered::Lost(format!("the connection to the server failed: {error}")),
            }
        }
        Error::Rustls(error) => tls(&error),
        Error::HostNotFound => Unanswered::Unreached("the server's name is not known".to_owned(), ADDRESS),
        Error::ConnectionFailed | Error::Timeout(Timeout::Connect | Timeout::Resolve) => {
            Unanswered::Unreached(format!("the server can not be reached: {error}"), ADDRESS)
        }
        Error::Protocol(error) => Unanswered::Foreign(error.to_string()),
        error @ (Error::BadUri(_) | Error::Http(_) | Error::Tls(_) | Error::TlsRequired) => {
            Unanswered::Unreached(format!("the server can not be asked: {error}"), ADDRESS)
        }
        other => Unanswered::Lost(format!("the connection to the server failed: {other}")),
    }
}
