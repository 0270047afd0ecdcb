//! Connections: accepted up to a limit, closed when they are slow or idle for too long, ended when the server stops.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower::util::MapRequest;

use super::who::Peer;
use crate::app::App;

/// Files that the server needs beside connections: databases, their logs, readers.
const OTHER_FILES: u64 = 256;
/// The most bytes of a request's head.
const HEAD_BYTES: usize = 64 << 10;
/// The most fields of a request's head.
const HEAD_FIELDS: usize = 100;
/// A pause after a connection that could not be accepted, such as for want of files.
const REFUSED_PAUSE: Duration = Duration::from_millis(50);

/// Connections that the system keeps until they are accepted. With less a burst waits for a second at a time.
const BACKLOG: u32 = 4_096;

/// Listens at an address, also where the server before has just ended.
///
/// # Errors
/// What the system says.
pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Serves connections until the server stops; then lets those that are being answered end, for so long.
pub async fn serve(listener: TcpListener, router: Router, app: Arc<App>, drain: Duration) {
    let places = Arc::new(Semaphore::new(places(app.limits.connections)));
    let open = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &places) => accepted,
            () = app.stop.begun() => break,
        };
        match accepted {
            Ok((stream, place)) => answer(stream, place, &router, &app, &open),
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(REFUSED_PAUSE).await;
            }
        }
    }
    drop(listener);
    let waiting = open.count();
    tracing::info!(connections = waiting, "draining");
    if tokio::time::timeout(drain, open.shutdown()).await.is_err() {
        tracing::warn!("some connections did not end in time and are cut");
    }
}

/// Waits for a place first, then for a connection: those that find no place wait in the system's queue.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> io::Result<(TcpStream, OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.map_err(io::Error::other)?;
    let (stream, _) = listener.accept().await?;
    stream.set_nodelay(true)?;
    Ok((stream, place))
}

/// Answers a connection in a task of its own.
fn answer(
    stream: TcpStream,
    place: OwnedSemaphorePermit,
    router: &Router,
    app: &Arc<App>,
    open: &GracefulShutdown,
) {
    let mut http = http1::Builder::new();
    // It counts from the opening and from the end of the request before, so it ends idle connections as well.
    http.timer(TokioTimer::new()).header_read_timeout(app.limits.head);
    http.max_buf_size(HEAD_BYTES).max_headers(HEAD_FIELDS);
    // Who has asked and says no more is answered all the same.
    http.half_close(true);
    let peer = stream.peer_addr().ok().map(Peer);
    let service = MapRequest::new(router.clone(), move |mut request: Request<Incoming>| {
        if let Some(peer) = peer {
            request.extensions_mut().insert(peer);
        }
        request
    });
    let service = TowerToHyperService::new(service);
    let connection = open.watch(http.serve_connection(TokioIo::new(stream), service));
    let counted = Connected::new(app, place);
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection ended badly");
        }
        drop(counted);
    });
}

/// A connection that is open.
struct Connected {
    app: Arc<App>,
    _place: OwnedSemaphorePermit,
}

impl Connected {
    fn new(app: &Arc<App>, place: OwnedSemaphorePermit) -> Connected {
        app.metrics.connections.inc();
        Connected { app: Arc::clone(app), _place: place }
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        self.app.metrics.connections.dec();
    }
}

/// How many connections the system's files allow, up to the limit.
fn places(wanted: usize) -> usize {
    let files = rlimit::increase_nofile_limit(u64::MAX).unwrap_or(1_024);
    let allowed = usize::try_from(files.saturating_sub(OTHER_FILES)).unwrap_or(usize::MAX).max(16);
    if allowed < wanted {
        tracing::warn!(
            files,
            connections = allowed,
            "the system allows fewer files than connections are wanted"
        );
    }
    wanted.min(allowed)
}
