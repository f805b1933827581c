//! Starting and stopping: the API server, HTTP, the watches, the workers, signals.

use std::{ops::RangeInclusive, sync::Arc, thread, time::Duration};

use anyhow::{Context, anyhow};
use futures::FutureExt;
use kube::Client;
use seal_shell::{ExitCode, why_unreachable};
use tokio::{
    net::TcpListener,
    runtime::{self, Handle},
    signal::unix::{SignalKind, signal},
    sync::watch as channel,
    task::JoinSet,
    time::timeout,
};
use tracing::{error, info};

use super::{
    Cluster,
    api_server::ApiServer,
    leader,
    pace::Pace,
    place,
    queue::{Depth, Queue},
    renew, watches,
};
use crate::{
    args::{Args, ListenAddress},
    cores::Cores,
    http::{self, HttpSettings, Served},
    metrics::{self, Metrics, QueueState},
};

/// How long SealedSecrets may be opened after the signal to stop. Nothing is lost where one is not.
const LAST_OPENINGS: Duration = Duration::from_secs(2);
/// How long the other work that is going on may take after that.
const FAREWELL: Duration = Duration::from_secs(1);
/// How long it may take after that to give the Lease back.
const HANDING_OVER: Duration = Duration::from_millis(800);
/// How long answers that are being given may take after that.
const LAST_ANSWERS: Duration = Duration::from_millis(500);
/// More workers than cores, since most of their time is waiting for the API server.
const WORKERS_A_CORE: usize = 16;
/// Few cores wait as long for the API server, and what many look at at once takes memory.
const WORKERS: RangeInclusive<usize> = 32..=256;
/// Where requests are limited, no more than are made in a second, since the next one would wait behind theirs; but so many.
const FEW_WORKERS: usize = 8;

/// Works in the cluster until it is told to stop.
///
/// # Errors
///
/// Where it could not work at all: no credentials, or an address that is taken.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    // It fails only where one is installed already.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let runtime = runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the asynchronous runtime")?;
    let answering = http::runtime().context("cannot start a thread that answers")?;
    let outcome = runtime.block_on(serve(args, answering.handle()));
    answering.shutdown_timeout(Duration::from_millis(100));
    runtime.shutdown_timeout(Duration::from_millis(500));
    outcome
}

async fn serve(args: Args, answering: &Handle) -> anyhow::Result<ExitCode> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot wait for signals")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot wait for signals")?;
    info!(
        version = env!("CARGO_PKG_VERSION"),
        "Starting sealed-secrets controller"
    );
    let own = place::own_namespace()?;
    let config = place::config(args.kubeconfig.as_deref()).await?;
    let client = Client::try_from(config).map_err(|error| {
        anyhow!(
            "the API server cannot be reached: {}",
            why_unreachable(&error)
        )
    })?;
    let pace = args
        .client_limit()
        .map(|(rate, burst)| Pace::new(rate, burst));
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let shared_cores = Arc::new(Cores::new(cores));
    let workers = workers(cores, args.client_limit().map(|(rate, _)| rate));
    let address = args.listen_addr.unwrap_or(ListenAddress::Everywhere(8080));
    let listener = {
        let _answering = answering.enter();
        listen(address)?
    };
    info!(addr = %address, "HTTP server serving");
    let address = args
        .listen_metrics_addr
        .unwrap_or(ListenAddress::Everywhere(8081));
    let metrics_listener = listen(address)?;
    info!(addr = %address, "HTTP metrics server serving");
    let served = Arc::new(Served::default());
    let settings = HttpSettings::from(&args);
    let metrics = Arc::new(Metrics::new(args.metrics_omit_secret_labels));
    let working = Handle::current();
    let routers = [
        (
            listener,
            http::router(
                Arc::clone(&served),
                &settings,
                &metrics,
                &shared_cores,
                &working,
            ),
            answering,
        ),
        // What it tells is made beside the work, and nobody asks for it often.
        (
            metrics_listener,
            metrics::router(Arc::clone(&metrics)),
            &working,
        ),
    ];
    let cluster = Arc::new(Cluster::new(
        args,
        own,
        ApiServer::new(client, pace, Arc::clone(&metrics)),
        served,
        metrics,
        shared_cores,
        Queue::new(workers),
    ));
    let asked = Arc::downgrade(&cluster);
    cluster.metrics.ask_queue(move || {
        // For who does not lead, nothing is due.
        let cluster = asked.upgrade().filter(|cluster| cluster.leads());
        let depths = cluster.map(|cluster| cluster.queue.depths());
        let state = |depth: Depth| QueueState {
            class: depth.class,
            depth: depth.waiting,
            oldest: depth.oldest,
        };
        depths.into_iter().flatten().map(state).collect()
    });
    let mut serving: JoinSet<anyhow::Result<()>> = JoinSet::new();
    let (stop, stopped) = channel::channel(());
    for (listener, router, threads) in routers {
        let (settings, mut stopped) = (settings.clone(), stopped.clone());
        let answers = async move {
            // It is sent, or dropped with an error on the way.
            let stopped = async { drop(stopped.changed().await) };
            http::serve(listener, router, settings, stopped).await;
            Ok(())
        };
        serving.spawn_on(answers, threads);
    }
    let mut electing = JoinSet::new();
    electing.spawn(leader::stand_for_election(Arc::clone(&cluster)));
    let mut watching = watch(&cluster);
    let mut working = JoinSet::new();
    for _ in 0..workers {
        working.spawn(Arc::clone(&cluster).work());
    }
    let outcome = tokio::select! {
        _ = terminate.recv() => Ok(ExitCode::Done),
        _ = interrupt.recv() => Ok(ExitCode::Done),
        Some(ended) = serving.join_next() => Err(fault("an HTTP server", ended)),
        Some(ended) = electing.join_next() => Err(fault("the election", ended.map(Ok))),
        Some(ended) = watching.join_next() => Err(fault("a watch", ended)),
        Some(ended) = working.join_next() => Err(fault("a worker", ended.map(Ok))),
    };
    info!("stopping");
    watching.abort_all();
    cluster.queue.close();
    cluster.in_hand.close();
    let _ = stop.send(());
    if !cluster.leads() {
        // Nothing is in hand.
        working.abort_all();
    }
    if !all_end(&mut working, LAST_OPENINGS).await {
        cluster.openings.close();
        if !all_end(&mut working, FAREWELL).await {
            error!("stopped in the middle of a piece of work; it is taken up at the next start");
            working.shutdown().await;
        }
    }
    electing.shutdown().await;
    if timeout(HANDING_OVER, cluster.give_back_lead())
        .await
        .is_err()
    {
        error!("the Lease could not be given back in time; others wait until it has run out");
    }
    // Who has not got his answer by then does not get it.
    let _ = timeout(LAST_ANSWERS, serving.join_all()).await;
    outcome
}

/// Whether all of them end in time.
async fn all_end(tasks: &mut JoinSet<()>, limit: Duration) -> bool {
    let all = async { while tasks.join_next().await.is_some() {} };
    timeout(limit, all).await.is_ok()
}

/// How many SealedSecrets are looked at at once.
fn workers(cores: usize, requests_a_second: Option<f32>) -> usize {
    let workers = cores.saturating_mul(WORKERS_A_CORE);
    let workers = workers.clamp(*WORKERS.start(), *WORKERS.end());
    let needed = (FEW_WORKERS..workers).find(|few| {
        let few = u16::try_from(*few).unwrap_or(u16::MAX);
        requests_a_second.is_some_and(|rate| f32::from(few) >= rate)
    });
    needed.unwrap_or(workers)
}

fn listen(address: ListenAddress) -> anyhow::Result<TcpListener> {
    let listener = address
        .listen()
        .with_context(|| format!("cannot listen on {address}"))?;
    TcpListener::from_std(listener).context("cannot listen")
}

/// What should never end did.
fn fault(what: &str, ended: Result<anyhow::Result<()>, tokio::task::JoinError>) -> anyhow::Error {
    match ended {
        Ok(Err(error)) => error,
        Ok(Ok(())) | Err(_) => anyhow!("{what} ended by an internal fault"),
    }
}

/// The watches, and those who look after the keys.
fn watch(cluster: &Arc<Cluster>) -> JoinSet<anyhow::Result<()>> {
    let mut watching = JoinSet::new();
    let namespaces: Vec<Option<String>> = match &cluster.scope {
        None => vec![None],
        Some(namespaces) => namespaces.iter().cloned().map(Some).collect(),
    };
    for namespace in namespaces {
        let sealed = watches::sealed_secrets(Arc::clone(cluster), namespace.clone());
        watching.spawn(sealed.map(Ok));
        if cluster.watches_secrets() {
            let secrets = watches::secrets(Arc::clone(cluster), namespace);
            watching.spawn(secrets.map(Ok));
        }
    }
    watching.spawn(watches::keys(Arc::clone(cluster)).map(Ok));
    watching.spawn(Arc::clone(cluster).look_after_record_key().map(Ok));
    watching.spawn(renew::look_after_keys(Arc::clone(cluster)));
    watching
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_more_workers_than_cores_and_not_more_than_requests_that_may_be_made() {
        let expected = [
            ((1, None), 32),
            ((2, None), 32),
            ((8, None), 128),
            ((usize::MAX, None), 256),
            ((2, Some(0.5)), 8),
            ((2, Some(20.0)), 20),
            ((2, Some(20.5)), 21),
            ((2, Some(1e9)), 32),
        ];
        for ((cores, rate), number) in expected {
            assert_eq!(workers(cores, rate), number, "{cores} {rate:?}");
        }
    }
}
