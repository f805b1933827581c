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
use rustix::{
    net::listen,
    process::{Resource, getrlimit},
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::AbortHandle,
    time::{Instant, sleep},
};
use tracing::debug;

use super::{HttpSettings, patient::Patient};

/// The most connections at once: where one more comes, the oldest one ends, so that nobody who holds many keeps others
/// out, such as the kubelet with its probes. Each takes a file descriptor and as much memory as its headers.
const MOST: usize = 512;
/// No more of the file descriptors that the process may have than one in so many, since two servers have connections and
/// the work needs some as well; but a few in any case.
const SHARE_OF_FILES: usize = 4;
const FEW: usize = 16;
/// For so long a connection is kept in any case. Who sends his request at once has his answer by then, also where others
/// open new connections all the time; those wait meanwhile.
const GRACE: Duration = Duration::from_millis(100);
/// How many connections may wait to be taken: where there is no room, a client comes again after a second.
const BACKLOG: i32 = 1024;
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
    // That it was bound with a shorter queue matters only to many at once.
    let _ = listen(&listener, BACKLOG);
    let mut connections = Connections::default();
    let (ending, ended) = watch::channel(());
    tokio::pin!(stop);
    loop {
        let most = most(getrlimit(Resource::Nofile).current);
        let room = connections.make_room(most);
        let taken = tokio::select! {
            () = &mut stop => break,
            taken = async {
                sleep(room).await;
                listener.accept().await
            } => taken,
        };
        connections.end_oldest(most);
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
struct Connections(VecDeque<(Instant, AbortHandle)>);

impl Connections {
    fn add(&mut self, connection: AbortHandle) {
        self.0.push_back((Instant::now(), connection));
    }

    /// How long to wait until another one may be taken, so that there are not more than `most`.
    fn make_room(&mut self, most: usize) -> Duration {
        if self.0.len() < most {
            return Duration::ZERO;
        }
        self.0.retain(|(_, connection)| !connection.is_finished());
        match self.0.front() {
            Some((since, _)) if self.0.len() >= most => GRACE.saturating_sub(since.elapsed()),
            Some(_) | None => Duration::ZERO,
        }
    }

    /// Ends the oldest ones, so that one more makes `most`.
    fn end_oldest(&mut self, most: usize) {
        while self.0.len() >= most
            && let Some((_, oldest)) = self.0.pop_front()
        {
            debug!("too many connections: the oldest one is ended");
            oldest.abort();
        }
    }
}

/// How many connections there may be where there may be so many file descriptors.
fn most(files: Option<u64>) -> usize {
    let files = files.and_then(|files| usize::try_from(files).ok());
    files.map_or(MOST, |files| (files / SHARE_OF_FILES).clamp(FEW, MOST))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_file_descriptors_for_the_work() {
        for (files, connections) in [
            (None, 512),
            (Some(u64::MAX), 512),
            (Some(1_048_576), 512),
            (Some(1024), 256),
            (Some(256), 64),
            (Some(20), 16),
        ] {
            assert_eq!(most(files), connections, "{files:?}");
        }
    }
}
