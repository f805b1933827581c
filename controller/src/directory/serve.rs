//! Working until it is told to stop: the watch, HTTP and signals around the passes.

use std::{
    net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use anyhow::{Context, anyhow};
use axum::Router;
use jiff::Timestamp;
use seal_shell::ExitCode;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::{oneshot, watch},
    task::JoinSet,
    time::timeout,
};
use tracing::{error, info};

use super::{
    open,
    pass::Directory,
    report::Log,
    until,
    watch::{Stopper, Watch, Woken},
};
use crate::{
    args::{Args, ListenAddress},
    cores::Cores,
    http::{self, HttpSettings, Served, router},
    metrics,
};

/// Where HTTP is served unless the user says.
const HERE: ListenAddress =
    ListenAddress::At(SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 8080)));
/// How long the work that is going on may take after the signal to stop.
const FAREWELL: Duration = Duration::from_secs(3);
/// How long answers that are being given may take after that.
const LAST_ANSWERS: Duration = Duration::from_millis(500);
/// The first wait before something is tried again that failed, doubled up to the last.
const FIRST_RETRY: Duration = Duration::from_secs(1);
const LAST_RETRY: Duration = Duration::from_secs(60);

/// Works until SIGTERM or SIGINT.
pub(super) fn serve(args: Args, root: &Path) -> anyhow::Result<ExitCode> {
    let address = args.listen_addr.unwrap_or(HERE);
    let settings = HttpSettings::from(&args);
    let metrics_address = args.listen_metrics_addr;
    let stopping = Arc::new(AtomicBool::new(false));
    let directory = open(args, root, Arc::clone(&stopping))?;
    let listener = address
        .listen()
        .with_context(|| format!("cannot listen on {address}"))?;
    let listen_metrics = |address: ListenAddress| {
        address
            .listen()
            .with_context(|| format!("cannot listen on {address}"))
    };
    let metrics_listener = metrics_address.map(listen_metrics).transpose()?;
    // It gives way to the passes.
    let runtime = http::runtime().context("cannot start the asynchronous runtime")?;
    let served = Arc::new(Served::default());
    let metrics = directory.metrics();
    let processors = thread::available_parallelism().map_or(1, usize::from);
    let cores = Arc::new(Cores::new(processors));
    let routers = [
        Some((
            listener,
            router(
                Arc::clone(&served),
                &settings,
                &metrics,
                &cores,
                runtime.handle(),
            ),
        )),
        metrics_listener.map(|listener| (listener, metrics::router(metrics))),
    ];
    let (watch, stopper) = Watch::start(&directory.layout);
    let (farewell, ended) = oneshot::channel();
    let for_worker = Arc::clone(&served);
    thread::Builder::new()
        .name("passes".to_owned())
        .spawn(move || {
            work(directory, watch, &for_worker);
            // Where nobody waits for it, the program is over already.
            let _ = farewell.send(());
        })
        .context("cannot start a thread")?;
    let outcome = runtime.block_on(attend(
        routers.into_iter().flatten().collect(),
        settings,
        ended,
        &stopping,
        &stopper,
    ));
    runtime.shutdown_timeout(Duration::from_millis(500));
    outcome
}

/// Serves HTTP and waits for a signal, then for the work to end.
async fn attend(
    servers: Vec<(TcpListener, Router)>,
    settings: HttpSettings,
    mut ended: oneshot::Receiver<()>,
    stopping: &AtomicBool,
    stopper: &Stopper,
) -> anyhow::Result<ExitCode> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot wait for signals")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot wait for signals")?;
    let (stop, stopped) = watch::channel(());
    let mut serving = JoinSet::new();
    for (number, (listener, router)) in servers.into_iter().enumerate() {
        let address = listener.local_addr().context("cannot listen")?;
        let listener = tokio::net::TcpListener::from_std(listener).context("cannot listen")?;
        match number {
            0 => info!(addr = %address, "HTTP server serving"),
            _ => info!(addr = %address, "HTTP metrics server serving"),
        }
        let mut stopped = stopped.clone();
        // It is sent, or dropped with an error on the way.
        let stopped = async move { drop(stopped.changed().await) };
        serving.spawn(http::serve(listener, router, settings.clone(), stopped));
    }
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        _ = &mut ended => return Err(anyhow!("the work ended by an internal fault")),
    }
    info!("stopping");
    stopping.store(true, Ordering::Release);
    stopper.stop();
    let _ = stop.send(());
    if timeout(FAREWELL, ended).await.is_err() {
        error!("stopped in the middle of a long piece of work; it is taken up at the next start");
    }
    // Who has not got his answer by then does not get it.
    let _ = timeout(LAST_ANSWERS, serving.join_all()).await;
    Ok(ExitCode::Done)
}

/// Passes, one after the other, until the watch says stop.
fn work(mut directory: Directory, mut watch: Watch, served: &Served) {
    let mut log = Log::default();
    let mut retry = FIRST_RETRY;
    loop {
        let outcome = directory.pass(Timestamp::now());
        log.tell(&outcome);
        served.set_keys(directory.keys());
        served.set_ready(true);
        let mut wait = outcome.next.map(|next| until(next, Timestamp::now()));
        if outcome.is_transient {
            wait = Some(wait.map_or(retry, |wait| wait.min(retry)));
            retry = (retry * 2).min(LAST_RETRY);
        } else {
            retry = FIRST_RETRY;
        }
        // What happened in a folder before it was watched has to be looked at as well.
        if !watch.renew() && watch.wait(wait) == Woken::Stop {
            return;
        }
    }
}
