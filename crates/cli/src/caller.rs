//! Calls of kopeck's API as any client makes them: JSON goes out, JSON comes back, a problem is a failure.

use std::time::Duration;

use serde_json::Value;
use ureq::Agent;
use ureq::http::{Method, Request, Response};
use uuid::Uuid;

use crate::failure::Failure;

/// Longer than any answer of a server that works.
const PATIENCE: Duration = Duration::from_secs(300);
/// The longest answer that is read, in bytes.
const LONGEST: u64 = 256 << 20;
/// The media type of JSON.
pub const JSON: &str = "application/json";
/// The media type of events on lines.
pub const LINES: &str = "application/x-ndjson";
/// The media type of price books.
pub const TOML: &str = "application/toml";

/// Somebody who calls a server.
#[derive(Debug, Clone)]
pub struct Caller {
    agent: Agent,
    url: String,
    token: String,
}

/// What was answered.
#[derive(Debug)]
pub struct Answered {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub text: String,
}

impl Caller {
    /// A caller of the server at a URL, with a token.
    pub fn new(url: &str, token: &str) -> Caller {
        // No limit is set on finding the server's address: a thread would be started for it, for each request.
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_connect(Some(PATIENCE))
            .timeout_send_request(Some(PATIENCE))
            .timeout_send_body(Some(PATIENCE))
            .timeout_recv_response(Some(PATIENCE))
            .timeout_recv_body(Some(PATIENCE));
        let agent = config.build().into();
        Caller { agent, url: url.to_owned(), token: token.to_owned() }
    }

    /// The same somebody on connections of its own.
    pub fn apart(&self) -> Caller {
        Caller::new(&self.url, &self.token)
    }

    /// Somebody else.
    pub fn with_token(&self, token: &str) -> Caller {
        Caller { token: token.to_owned(), ..self.clone() }
    }

    /// Reads something.
    pub fn get(&self, path: &str) -> Result<Value, Failure> {
        read((&Method::GET, path), &self.ask(path)?)
    }

    /// Asks without a body; the answer, whatever it is.
    pub fn ask(&self, path: &str) -> Result<Answered, Failure> {
        let request = self.request((Method::GET, path), None).body(());
        self.answered(path, request.map(|request| self.agent.run(request)))
    }

    /// Sends a document.
    pub fn post(&self, path: &str, document: &Value) -> Result<Value, Failure> {
        self.send((Method::POST, path), (JSON, document.to_string().as_bytes()), None)
    }

    /// Sends a document in the place of another.
    pub fn put(&self, path: &str, document: &Value) -> Result<Value, Failure> {
        self.send((Method::PUT, path), (JSON, document.to_string().as_bytes()), None)
    }

    /// Sends a document of a write that moves money, under a name.
    pub fn post_once(&self, path: &str, name: Uuid, document: &Value) -> Result<Value, Failure> {
        self.send((Method::POST, path), (JSON, document.to_string().as_bytes()), Some(name))
    }

    /// Sends a body of a media type, under a name where it has one.
    pub fn send(
        &self,
        (method, path): (Method, &str),
        body: (&str, &[u8]),
        name: Option<Uuid>,
    ) -> Result<Value, Failure> {
        read((&method.clone(), path), &self.deliver((method, path), body, name)?)
    }

    /// Sends a body; the answer, whatever it is.
    pub fn deliver(
        &self,
        (method, path): (Method, &str),
        (media, body): (&str, &[u8]),
        name: Option<Uuid>,
    ) -> Result<Answered, Failure> {
        let request = self.request((method, path), name).header("content-type", media).body(body);
        self.answered(path, request.map(|request| self.agent.run(request)))
    }

    fn request(&self, (method, path): (Method, &str), name: Option<Uuid>) -> ureq::http::request::Builder {
        let request = Request::builder().method(method).uri(format!("{}{path}", self.url));
        let request = request.header("authorization", format!("Bearer {}", self.token));
        match name {
            Some(name) => request.header("idempotency-key", name.to_string()),
            None => request,
        }
    }

    fn answered(
        &self,
        path: &str,
        answered: Result<Result<Response<ureq::Body>, ureq::Error>, ureq::http::Error>,
    ) -> Result<Answered, Failure> {
        let unheard = |reason: String| {
            Failure::input(format!("{}{path} can not be asked: {reason}", self.url), None, "is it running?")
        };
        let mut answer = answered
            .map_err(|error| unheard(error.to_string()))?
            .map_err(|error| unheard(error.to_string()))?;
        let text = answer.body_mut().with_config().limit(LONGEST).read_to_string();
        let text = text.map_err(|error| unheard(error.to_string()))?;
        Ok(Answered { status: answer.status().as_u16(), text })
    }
}

fn read((method, path): (&Method, &str), answered: &Answered) -> Result<Value, Failure> {
    let document: Value = serde_json::from_str(&answered.text).unwrap_or(Value::Null);
    if (200..300).contains(&answered.status) {
        return Ok(document);
    }
    let word = |name: &str| document[name].as_str().unwrap_or("nothing is said");
    let reason = format!("{method} {path} was answered with {}: {}", answered.status, word("detail"));
    Err(Failure::input(reason, document["field"].as_str(), word("remedy")))
}
