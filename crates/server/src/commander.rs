//! How a stop gets to a cloud: a program on this machine, or a signed webhook (guard.md, point 4).
//!
//! Both get the same JSON. A cloud's adapter does one id once; that it took a stop says nothing about the cloud, whose events
//! say when the resource is stopped.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use data_encoding::BASE64;
use hmac::{Hmac, KeyInit, Mac};
use kopeck_ledger::name::Moment;
use kopeck_metering::guard::command::StopCommand;
use sha2::Sha256;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

/// A program or a receiver that has not answered by then has failed.
const LONGEST: Duration = Duration::from_secs(30);
/// What of a program's complaint is remembered.
const COMPLAINT: usize = 500;

/// Who brings stops to clouds.
#[derive(Debug, Clone)]
pub enum Commander {
    /// A program: it gets the stop as JSON on its standard input, and has taken it when it exits with 0.
    Program(PathBuf),
    /// A webhook as of Standard Webhooks: it has taken the stop when it answers 2xx.
    Webhook(Webhook),
}

/// Where signed messages are sent.
#[derive(Debug, Clone)]
pub struct Webhook {
    url: String,
    secret: Secret,
    agent: ureq::Agent,
}

/// The secret of a webhook.
#[derive(Clone)]
pub struct Secret(Vec<u8>);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// A text is no secret of a webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is no secret: write `whsec_` and 24 to 64 bytes in base64")]
pub struct NoSecret;

impl std::str::FromStr for Secret {
    type Err = NoSecret;

    fn from_str(text: &str) -> Result<Secret, NoSecret> {
        let bytes = text.strip_prefix("whsec_").and_then(|rest| BASE64.decode(rest.as_bytes()).ok());
        let is_long = |bytes: &Vec<u8>| (24..=64).contains(&bytes.len());
        bytes.filter(is_long).map(Secret).ok_or(NoSecret)
    }
}

impl Secret {
    /// The signature of a message, as its header has it.
    #[must_use]
    pub fn sign(&self, id: &str, timestamp: i64, body: &str) -> String {
        // A key of any length is one.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else { return String::new() };
        mac.update(format!("{id}.{timestamp}.{body}").as_bytes());
        format!("v1,{}", BASE64.encode(&mac.finalize().into_bytes()))
    }
}

impl Commander {
    /// Brings a stop to its cloud's adapter.
    ///
    /// # Errors
    /// Why it was not taken, in words for people.
    pub async fn send(&self, command: &StopCommand, now: Moment) -> Result<(), String> {
        let body = command.body().to_string();
        match self {
            Commander::Program(program) => {
                let run = run(program, body);
                match tokio::time::timeout(LONGEST, run).await {
                    Ok(done) => done,
                    Err(_) => {
                        Err(format!("{} has not ended within {} s", program.display(), LONGEST.as_secs()))
                    }
                }
            }
            Commander::Webhook(webhook) => {
                let (webhook, id) = (webhook.clone(), command.key.to_string());
                let timestamp = now.nanoseconds().div_euclid(1_000_000_000);
                let posting = tokio::task::spawn_blocking(move || webhook.post((&id, timestamp), &body));
                posting.await.unwrap_or_else(|error| Err(error.to_string()))
            }
        }
    }
}

async fn run(program: &PathBuf, body: String) -> Result<(), String> {
    let told = |error: std::io::Error| format!("{}: {error}", program.display());
    let mut child = Command::new(program)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(told)?;
    if let Some(mut stdin) = child.stdin.take() {
        // A program that does not read its input says by its exit code what it did.
        let _ = stdin.write_all(body.as_bytes()).await;
    }
    let output = child.wait_with_output().await.map_err(told)?;
    if output.status.success() {
        return Ok(());
    }
    let complaint: String = String::from_utf8_lossy(&output.stderr).trim().chars().take(COMPLAINT).collect();
    Err(format!("{} ended with {}: {complaint}", program.display(), output.status))
}

impl Webhook {
    /// A webhook at an address, with the secret that its receiver knows.
    #[must_use]
    pub fn new(url: String, secret: Secret) -> Webhook {
        // One that was installed before does as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let tls = ureq::tls::TlsConfig::builder().root_certs(ureq::tls::RootCerts::PlatformVerifier).build();
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(LONGEST))
            // Whoever moves says so to the operator: a signed message goes where it was meant to go.
            .max_redirects(0)
            .http_status_as_error(false)
            .tls_config(tls)
            .build();
        Webhook { url, secret, agent: config.into() }
    }

    fn post(&self, (id, timestamp): (&str, i64), body: &str) -> Result<(), String> {
        let request = self.agent.post(&self.url).header("Content-Type", "application/json");
        let request = request.header("webhook-id", id).header("webhook-timestamp", timestamp.to_string());
        let request = request.header("webhook-signature", self.secret.sign(id, timestamp, body));
        let status = request.send(body).map_err(|error| error.to_string())?.status();
        if status.is_success() { Ok(()) } else { Err(format!("{} answered {status}", self.url)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delivery_is_signed_as_standard_webhooks_say() {
        // The specification's own example, whose secret is shorter than we take.
        let secret = Secret(BASE64.decode(b"plJ3nmyCDGBKInavdOK15jsl").unwrap());
        let body = r#"{"event_type":"ping","data":{"success":true}}"#;
        assert_eq!(
            secret.sign("msg_loFOjxBNrRLzqYUf", 1_731_705_121, body),
            "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0="
        );
    }

    #[test]
    fn a_secret_has_its_beginning_and_enough_bytes() {
        for text in ["", "plJ3nmyCDGBKInavdOK15jsl", "whsec_", "whsec_c2hvcnQ=", "whsec_!"] {
            assert_eq!(text.parse::<Secret>().err(), Some(NoSecret), "{text}");
        }
        assert_eq!(
            format!("{:?}", "whsec_plJ3nmyCDGBKInavdOK15jslplJ3nmyCDGBKInavdOK1".parse::<Secret>().unwrap()),
            "Secret(…)"
        );
    }
}
