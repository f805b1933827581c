//! A cluster with a controller installed, keys and objects in it, and the controller's process.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use seal_tests::{
    cluster::{Controller, Installation, Setup, install},
    control_plane::ControlPlane,
    programs::Program,
};
use serde_json::{Value, json};

use crate::{
    process::{idle_time, processor_time},
    sealing::{Keys, namespaces},
};

/// So many requests at a time fill a cluster: the API server has more to do with each than the client.
const AT_ONCE: usize = 4;
const GLANCE: Duration = Duration::from_millis(50);
/// When nothing was written for so long, everything was.
const QUIET: Duration = Duration::from_secs(3);
const LIMIT: Duration = Duration::from_secs(3600);

/// Whose controller it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whose {
    Ours,
    /// Upstream's, with the manifests of its chart. Its client's limit of 5 requests a second is lifted: what is measured is
    /// what its work takes.
    Upstream,
}

/// A cluster with a controller installed that does not run yet.
pub(crate) struct Ground<'p> {
    pub(crate) plane: &'p ControlPlane,
    installation: Installation<'p>,
    whose: Whose,
    /// How many Secrets are there that no SealedSecret makes, the controller's own apart.
    others: usize,
}

/// What a controller has used up to some moment.
pub(crate) struct Used {
    pub(crate) at: Instant,
    pub(crate) processor: Duration,
    /// Of all cores of the machine.
    pub(crate) idle: Duration,
}

impl<'p> Ground<'p> {
    pub(crate) fn new(plane: &'p ControlPlane, whose: Whose, keys: &Keys) -> Self {
        let setup = match whose {
            Whose::Ours => Setup::ours(),
            Whose::Upstream => Setup::chart().env("SEALED_SECRETS_KUBECLIENT_QPS", "-1"),
        };
        // They are asked for their metrics often, and those of every object would take up more than the work.
        let setup = setup.env("SEALED_SECRETS_METRICS_OMIT_SECRET_LABELS", "true");
        let installation = install(plane, &setup);
        let ground = Self {
            plane,
            installation,
            whose,
            others: 0,
        };
        for namespace in namespaces() {
            let object = json!({"metadata": {"name": namespace}});
            let created = plane.api().create("/api/v1/namespaces", &object);
            assert_eq!(created.status, 201, "{}", created.body);
        }
        ground.create(&keys.secrets(ground.installation.namespace()));
        ground
    }

    /// Creates Secrets that no SealedSecret makes.
    pub(crate) fn create_others(&mut self, secrets: &[Value]) {
        self.create(secrets);
        self.others = self.secrets();
    }

    pub(crate) fn whose(&self) -> Whose {
        self.whose
    }

    /// Creates objects, several at a time.
    pub(crate) fn create(&self, objects: &[Value]) {
        let next = AtomicUsize::new(0);
        let create = || {
            while let Some(object) = objects.get(next.fetch_add(1, Ordering::Relaxed)) {
                let created = self.plane.api().create(&collection(object), object);
                assert_eq!(created.status, 201, "{}", created.body);
            }
        };
        thread::scope(|scope| {
            for _ in 0..AT_ONCE {
                scope.spawn(create);
            }
        });
    }

    /// Starts the controller in a pod of its own.
    pub(crate) fn start(&self) -> Controller<'p> {
        let program = match self.whose {
            Whose::Ours => Program::Controller,
            Whose::Upstream => Program::UpstreamController,
        };
        Controller::start(self.installation.pod(), program)
    }

    /// How many Secrets there are that are not the controller's own.
    fn secrets(&self) -> usize {
        let own = format!(
            "/api/v1/namespaces/{}/secrets",
            self.installation.namespace()
        );
        self.number_at("/api/v1/secrets") - self.number_at(&own)
    }

    fn number_at(&self, collection: &str) -> usize {
        let list = self.plane.api().get(&format!("{collection}?limit=1")).body;
        let shown = list["items"].as_array().map_or(0, Vec::len);
        let others = list["metadata"]["remainingItemCount"].as_u64().unwrap_or(0);
        shown + usize::try_from(others).unwrap_or(usize::MAX)
    }

    /// How many Secrets were made of SealedSecrets.
    pub(crate) fn made(&self) -> usize {
        self.secrets().saturating_sub(self.others)
    }

    /// Waits until so many Secrets were made.
    pub(crate) fn wait_until_made(&self, controller: &mut Controller<'_>, number: usize) {
        wait(controller, "the Secrets are made", |_| {
            (self.made() >= number).then_some(())
        });
    }

    /// Waits until nothing is written any more.
    pub(crate) fn settle(&self) {
        let mut last = (self.requests(is_write), Instant::now());
        while last.1.elapsed() < QUIET {
            thread::sleep(GLANCE * 4);
            let now = self.requests(is_write);
            if now > last.0 {
                last = (now, Instant::now());
            }
        }
    }

    /// How many requests of a kind the API server answered so far.
    pub(crate) fn requests(&self, counts: fn(verb: &str, resource: &str) -> bool) -> f64 {
        requests(self.plane, counts)
    }
}

/// How many requests of a kind, by verb and resource, an API server answered so far.
pub(crate) fn requests(
    plane: &ControlPlane,
    counts: fn(verb: &str, resource: &str) -> bool,
) -> f64 {
    let metrics = plane.api().get("/metrics").body;
    let lines = metrics.as_str().unwrap_or_default().lines();
    let requests = lines.filter(|line| line.starts_with("apiserver_request_total{"));
    let counted = requests.filter(|line| counts(label(line, "verb"), label(line, "resource")));
    counted
        .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
        .sum()
}

impl Used {
    pub(crate) fn until_now(controller: &Controller<'_>) -> Self {
        Self {
            at: Instant::now(),
            processor: processor_time(controller.pid()),
            idle: idle_time(),
        }
    }
}

/// Looks again and again until there is something.
pub(crate) fn wait<T>(
    controller: &mut Controller<'_>,
    what: &str,
    mut look: impl FnMut(&Controller<'_>) -> Option<T>,
) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look(controller) {
            return found;
        }
        assert!(controller.runs(), "it ended: {}", controller.tail());
        assert!(
            begun.elapsed() < LIMIT,
            "in vain: {what}\n{}",
            controller.tail()
        );
        thread::sleep(GLANCE);
    }
}

/// Waits until it answers `/metrics`.
pub(crate) fn wait_until_it_answers(controller: &mut Controller<'_>) {
    wait(controller, "it answers", |controller| {
        controller.metrics_if_any().map(drop)
    });
}

/// The sum of all series of a metric; 0 where it is not there, or where there are no metrics yet.
pub(crate) fn sum_of(controller: &Controller<'_>, metric: &str, having: &str) -> f64 {
    let metrics = controller.metrics_if_any().unwrap_or_default();
    let series = metrics.lines().filter(|line| {
        let rest = line.strip_prefix(metric);
        rest.is_some_and(|rest| rest.starts_with(['{', ' '])) && line.contains(having)
    });
    series
        .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
        .sum()
}

/// Whether something was written that a controller works with.
pub(crate) fn is_write(verb: &str, resource: &str) -> bool {
    is_work(verb, resource) && ["POST", "PUT", "PATCH", "DELETE", "APPLY"].contains(&verb)
}

/// Whether something was asked or written that a controller works with, watches apart.
pub(crate) fn is_work(verb: &str, resource: &str) -> bool {
    let resources = ["sealedsecrets", "secrets", "events", "configmaps"];
    resources.contains(&resource) && verb != "WATCH"
}

/// Whether one Secret was read.
pub(crate) fn is_secret_read(verb: &str, resource: &str) -> bool {
    (verb, resource) == ("GET", "secrets")
}

fn label<'l>(line: &'l str, name: &str) -> &'l str {
    let value = line.split_once(&format!("{name}=\"")).map(|(_, rest)| rest);
    value
        .and_then(|rest| rest.split('"').next())
        .unwrap_or_default()
}

fn collection(object: &Value) -> String {
    let text = |path: &str| {
        object
            .pointer(path)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let namespace = text("/metadata/namespace");
    match text("/kind") {
        "SealedSecret" => {
            format!("/apis/bitnami.com/v1alpha1/namespaces/{namespace}/sealedsecrets")
        }
        _ => format!("/api/v1/namespaces/{namespace}/secrets"),
    }
}
