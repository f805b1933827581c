//! Connections: how many there may be, how large their headers, how long they may be silent.

use std::{collections::VecDeque, future::Future, net::IpAddr, time::Duration};

use axum::Router;
use hyper::{
    Request,
    body::Incoming,
    server::conn::http1,
    service::{Service, service_fn},
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::AbortHandle,
    time::sleep,
};
use tracing::debug;

use super::{HttpSettings, patient::Patient};

/// The most connections at once: where one more comes, the oldest one ends, so that nobody who holds many keeps others
/// out, such as the kubelet with its probes. Each takes a file descriptor and as much memory as its headers.
const MOST: usize = 512;
/// Where a request's headers have this many bytes and are not at their end, they are answered with 431. What arrives in
/// one piece is looked at before it is counted, so those that are taken may have up to twice as many.
const LONGEST_HEADERS: usize = 64 * 1024;
/// The longest time for headers to arrive, whatever is allowed for bodies, and for a connection to be kept unused.
const LONGEST_SILENCE: Duration = Duration::from_secs(30);
/// The pause after a connection could not be taken, as where there are no file descriptors left.
const PAUSE: Duration = Duration::from_millis(200);

/// Serves until `stop` is ready; then no connection is taken any more, and those there are end with their answer.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    settings: HttpSettings,
    stop: impl Future<Output = ()>,
) {
    let mut connections = Connections::default();
    let (ending, ended) = watch::channel(());
    tokio::pin!(stop);
    loop {
        let taken = tokio::select! {
            () = &mut stop => break,
            taken = listener.accept() => taken,
        };
        match taken {
            Ok((connection, address)) => {
                let served = attend(
                    connection,
                    Peer(address.ip()),
                    router.clone(),
                    settings.clone(),
                    ended.clone(),
                );
                connections.add(tokio::spawn(served).abort_handle());
            }
            Err(error) => {
                debug!("a connection cannot be taken: {error}");
                sleep(PAUSE).await;
            }
        }
    }
    drop(listener);
    drop(ended);
    // Nobody listens; who has a connection is told, and gone when all of them are.
    let _ = ending.send(());
    ending.closed().await;
}

/// Those that are served, the oldest first.
#[derive(Default)]
struct Connections(VecDeque<AbortHandle>);

impl Connections {
    fn add(&mut self, connection: AbortHandle) {
        if self.0.len() >= MOST {
            self.0.retain(|connection| !connection.is_finished());
        }
        if self.0.len() >= MOST
            && let Some(oldest) = self.0.pop_front()
        {
            debug!("too many connections: the oldest one is ended");
            oldest.abort();
        }
        self.0.push_back(connection);
    }
}

/// Who is at the other end of the connection of a request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peer(pub(super) IpAddr);

/// Answers the requests of one connection.
async fn attend(
    connection: TcpStream,
    peer: Peer,
    router: Router,
    settings: HttpSettings,
    mut ending: watch::Receiver<()>,
) {
    let connection = TokioIo::new(Patient::new(connection, settings.write_timeout));
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer);
        router.call(request)
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(settings.read_timeout.min(LONGEST_SILENCE))
        .max_buf_size(LONGEST_HEADERS)
        .serve_connection(connection, service);
    tokio::pin!(served);
    let outcome = tokio::select! {
        outcome = &mut served => outcome,
        _ = ending.changed() => {
            served.as_mut().graceful_shutdown();
            served.await
        }
    };
    // A client that hangs up or speaks no HTTP is its own affair.
    if let Err(error) = outcome {
        debug!("a connection ended: {error}");
    }
}
