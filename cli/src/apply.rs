//! `seal apply`: SealedSecrets brought to a cluster, and followed until their Secrets are there.

mod progress;

use std::time::{Duration, Instant};

use seal_api::{Reason, remove_server_fields};
use seal_documents::list_items;
use seal_manifest::{Document, Node};
use seal_sealing::{check_name, check_namespace};
use serde_json::{Value, json};

use crate::{
    args::{ApplyArgs, Format},
    cluster::{self, Access, Cluster, Controller},
    documents::{Reader, Role, place, role},
    input::{self, Input, from_manifest},
    output,
    problem::{Place, Problem},
    report::Reporter,
};
use progress::Progress;

/// Who applies, as the API server notes it.
const FIELD_MANAGER: &str = "seal";
/// How long between two looks at an object.
const GLANCE: Duration = Duration::from_millis(300);
/// How long an object of a controller that says `Synced` alone may fail before that counts: it tries again a few times.
const PATIENCE: Duration = Duration::from_secs(2);
/// A SealedSecret to be applied.
struct Object {
    place: Place,
    namespace: String,
    name: String,
    json: Value,
}

/// An object that is followed.
struct Followed {
    object: Object,
    /// What was seen last, and since when.
    last: Option<(Progress, Instant)>,
}

pub(crate) fn run(args: &ApplyArgs, reporter: &mut Reporter) -> Result<(), Problem> {
    let access = Access::of(&args.context);
    let mut objects = Vec::new();
    for input in input::read_all(&args.inputs, reporter) {
        if let Err(problem) = add_all(&input, args, &access, &mut objects, reporter) {
            reporter.problem(&problem);
        }
    }
    if reporter.has_problems() {
        return Ok(());
    }
    if objects.is_empty() {
        return Err(Problem::new(
            Reason::NothingToDo,
            "the input holds no SealedSecret",
        ));
    }
    let cluster = Cluster::connect(&access, Controller::of(None, None))?;
    let mut followed = Vec::new();
    for object in objects {
        match apply(&cluster, &object, args.force_conflicts, reporter) {
            Ok(()) => followed.push(Followed { object, last: None }),
            Err(problem) => reporter.problem(&problem),
        }
    }
    if args.wait {
        follow(&cluster, followed, args.timeout, reporter)?;
    }
    Ok(())
}

fn add_all(
    input: &Input,
    args: &ApplyArgs,
    access: &Access,
    objects: &mut Vec<Object>,
    reporter: &mut Reporter,
) -> Result<(), Problem> {
    let stream = input.stream()?;
    for document in &stream.documents {
        let added = match document {
            Ok(document) => add(input, document, &document.root, args, access, objects),
            Err(error) => Err(from_manifest(error, &input.name)),
        };
        if let Err(problem) = added {
            reporter.problem(&problem);
        }
    }
    Ok(())
}

/// Adds a SealedSecret, or those of a list; anything else is an error.
fn add(
    input: &Input,
    document: &Document,
    node: &Node,
    args: &ApplyArgs,
    access: &Access,
    objects: &mut Vec<Object>,
) -> Result<(), Problem> {
    let place = place(&input.name, document, node);
    match role(node, None, &input.name, document)? {
        Role::List => {
            for item in list_items(node).unwrap_or_default() {
                add(input, document, item, args, access, objects)?;
            }
            Ok(())
        }
        Role::SealedSecret => {
            let reader = Reader {
                file: &input.name,
                document,
            };
            reader.sealed_secret(node)?;
            let object = object(node, args, access).map_err(|problem| problem.at(place.clone()))?;
            objects.push(Object { place, ..object });
            Ok(())
        }
        other => {
            let hint = match other {
                Role::Secret => {
                    "\"seal\" seals a Secret first, as in: seal < secret.yaml > sealed.yaml"
                }
                _ => "kubectl applies other objects",
            };
            Err(Problem::new(
                Reason::WrongKind,
                "is no SealedSecret, and nothing else is applied",
            )
            .at(place)
            .hint(hint))
        }
    }
}

fn object(node: &Node, args: &ApplyArgs, access: &Access) -> Result<Object, Problem> {
    let mut json = node.to_json();
    let text = |field: &str| {
        json["metadata"][field]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    let (name, own) = (text("name"), text("namespace"));
    let namespace = match &args.namespace {
        Some(asked) if !own.is_empty() && own != *asked => {
            let message = format!("the namespace is {own:?} and --namespace says {asked:?}");
            return Err(Problem::new(Reason::Conflict, message));
        }
        Some(asked) => asked.clone(),
        None if own.is_empty() => cluster::namespace(access)?,
        None => own,
    };
    let invalid = |what: &str, error: &dyn std::fmt::Display| {
        Problem::new(Reason::InvalidName, format!("the {what} {error}"))
    };
    check_name(&name).map_err(|error| invalid("name", &error))?;
    check_namespace(&namespace).map_err(|error| invalid("namespace", &error))?;
    remove_server_fields(&mut json);
    json["metadata"]["namespace"] = namespace.clone().into();
    Ok(Object {
        place: Place::default(),
        namespace,
        name,
        json,
    })
}

impl Object {
    fn path(&self) -> String {
        let Self {
            namespace, name, ..
        } = self;
        format!("/apis/bitnami.com/v1alpha1/namespaces/{namespace}/sealedsecrets/{name}")
    }

    /// Prints what became of it.
    fn says(&self, state: &str, reporter: &Reporter) -> Result<(), Problem> {
        let Self {
            namespace, name, ..
        } = self;
        let line = match reporter.format() {
            Format::Text => format!("{namespace}/{name} {state}"),
            Format::Json => {
                json!({"namespace": namespace, "name": name, "state": state}).to_string()
            }
        };
        output::print(format!("{line}\n").as_bytes())
    }

    /// The problem with it, which names it.
    fn problem(&self, reason: Reason, message: &str) -> Problem {
        let message = format!("{}/{}: {message}", self.namespace, self.name);
        Problem::new(reason, message).at(self.place.clone())
    }
}

impl Object {
    /// What the controller says is wrong with it, and what helps.
    fn verdict(&self, reason: Reason, message: &str) -> Problem {
        let problem = self.problem(reason, message);
        match reason {
            Reason::UnknownKey => problem.hint(
                "seal it again with the current certificate, which \"seal cert fetch --cluster\" gets",
            ),
            _ => problem,
        }
    }
}

fn apply(
    cluster: &Cluster,
    object: &Object,
    force: bool,
    reporter: &Reporter,
) -> Result<(), Problem> {
    let force = if force { "&force=true" } else { "" };
    let path = format!("{}?fieldManager={FIELD_MANAGER}{force}", object.path());
    let answer = cluster.apply(&path, object.json.to_string().into_bytes())?;
    match answer.status {
        201 => object.says("created", reporter),
        _ if answer.is_success() => object.says("applied", reporter),
        409 => Err(object
            .problem(Reason::Conflict, &answer.why())
            .hint("--force-conflicts takes the fields over from whoever applied them")),
        404 => {
            let why = answer.why();
            let hint = if why.starts_with("namespaces ") {
                format!("\"kubectl create namespace {}\" makes it", object.namespace)
            } else {
                cluster::NO_DEFINITION.to_owned()
            };
            Err(object.problem(Reason::FetchFailed, &why).hint(hint))
        }
        _ => Err(object.problem(Reason::FetchFailed, &answer.why())),
    }
}

/// Follows objects until each is ready or has failed, or the time is over.
fn follow(
    cluster: &Cluster,
    mut waiting: Vec<Followed>,
    timeout: Duration,
    reporter: &mut Reporter,
) -> Result<(), Problem> {
    let begun = Instant::now();
    loop {
        let mut still = Vec::new();
        for mut followed in waiting {
            let progress = look(cluster, &followed.object);
            let since = match followed.last.take() {
                Some((last, since)) if last == progress => since,
                _ => Instant::now(),
            };
            let object = &followed.object;
            match &progress {
                Progress::Ready => object.says("ready", reporter)?,
                Progress::Failed { reason, message } => {
                    reporter.problem(&object.verdict(*reason, message));
                }
                Progress::Unsynced { reason, message } if since.elapsed() >= PATIENCE => {
                    reporter.problem(&object.verdict(*reason, message));
                }
                Progress::Unsynced { .. } | Progress::Unseen | Progress::Waiting(_) => {
                    followed.last = Some((progress, since));
                    still.push(followed);
                }
            }
        }
        if still.is_empty() {
            return Ok(());
        }
        if begun.elapsed() >= timeout {
            for Followed { object, last } in still {
                let (seen, _) = last.expect("each was looked at");
                let message = format!("not ready after {} s: {seen}", timeout.as_secs());
                let problem = object.problem(Reason::Retrying, &message);
                reporter.problem(&match seen {
                    Progress::Unseen => {
                        problem.hint("is a controller running, and does it work in this namespace?")
                    }
                    _ => problem,
                });
            }
            return Ok(());
        }
        waiting = still;
        cluster.sleep(GLANCE);
    }
}

/// How far an object is. An API server that does not answer may do so soon; one that refuses to will not.
fn look(cluster: &Cluster, object: &Object) -> Progress {
    let seen = cluster.get(&object.path()).and_then(|answer| {
        let failed = |reason, message| Ok(Progress::Failed { reason, message });
        match answer.status {
            404 => failed(
                Reason::NothingToDo,
                "was deleted in the meantime".to_owned(),
            ),
            401 | 403 => failed(Reason::FetchFailed, answer.why()),
            _ if answer.is_success() => Ok(Progress::of(&answer.object()?)),
            _ => Ok(Progress::Waiting(answer.why())),
        }
    });
    seen.unwrap_or_else(|problem| Progress::Waiting(problem.message))
}
