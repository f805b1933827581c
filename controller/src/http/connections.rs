//! Connections: how many there may be, how large their headers, how long they may be silent.

use std::{future::Future, io, sync::Arc, time::Duration};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    time::sleep,
};
use tracing::debug;

use super::{HttpSettings, patient::Patient};

/// The most connections at once. Each takes a file descriptor and as much memory as its headers.
const MOST: usize = 512;
/// The most bytes of a request's headers; longer ones are answered with 431.
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
    let places = Arc::new(Semaphore::new(MOST));
    let (ending, ended) = watch::channel(());
    tokio::pin!(stop);
    loop {
        let taken = tokio::select! {
            () = &mut stop => break,
            taken = take(&listener, &places) => taken,
        };
        match taken {
            Ok((connection, place)) => {
                let served = attend(connection, router.clone(), settings.clone(), ended.clone());
                tokio::spawn(async move {
                    served.await;
                    drop(place);
                });
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

async fn take(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> io::Result<(TcpStream, OwnedSemaphorePermit)> {
    let place = Arc::clone(places)
        .acquire_owned()
        .await
        .map_err(io::Error::other)?;
    let (connection, _) = listener.accept().await?;
    Ok((connection, place))
}

/// Answers the requests of one connection.
async fn attend(
    connection: TcpStream,
    router: Router,
    settings: HttpSettings,
    mut ending: watch::Receiver<()>,
) {
    let connection = TokioIo::new(Patient::new(connection, settings.write_timeout));
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(settings.read_timeout.min(LONGEST_SILENCE))
        .max_buf_size(LONGEST_HEADERS)
        .serve_connection(connection, TowerToHyperService::new(router));
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
