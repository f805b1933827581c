//! All objects of a kind, listed and then watched, without an end and whatever the API server does.
//!
//! A watch goes on from the version that was heard of last. Everything is listed again where that version is gone, and
//! where something was said that cannot be read, so that no change is missed. Why this is not kube's stands in
//! `docs/decisions/`.

use std::{
    fmt,
    hash::{BuildHasher, Hasher, RandomState},
    io, mem,
    pin::Pin,
    sync::Arc,
    time::Duration,
    vec,
};

use futures::{AsyncBufRead, AsyncBufReadExt};
use kube::{
    Api, Resource,
    api::{ListParams, Request, WatchEvent, WatchParams},
    core::{ObjectList, Status},
};
use serde::de::DeserializeOwned;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, sleep, sleep_until},
};
use tracing::debug;

use super::page::{self, Page};
use crate::cluster::reconcile::wait_after;

/// After so many seconds the API server ends a watch, and it is begun anew. One that is still there when its connection is
/// given up for its silence ([`SILENCE`]) was lost on the way.
const WATCH_SECONDS: u32 = 30;
/// After so long without a byte a connection is given up.
pub(in crate::cluster) const SILENCE: Duration = Duration::from_secs(35);
/// The first wait after a failure, doubled up to the last.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LAST_WAIT: Duration = Duration::from_secs(30);
/// The first wait after a page of a list failed, other than its first one; half of it.
const FIRST_PAGE_WAIT: Duration = Duration::from_millis(50);
const LAST_PAGE_WAIT: Duration = Duration::from_secs(5);
/// How often such a page is asked for. The API server forgets after some five minutes where a list stood.
const PAGE_TRIES: u32 = 20;
/// How soon after a watch was begun the next one is, at the earliest.
const AGAIN: Duration = Duration::from_secs(1);
const GONE: u16 = 410;

/// What is heard of the objects.
#[derive(Debug)]
pub(super) enum Event<K> {
    /// An object that is there.
    Listed(K),
    /// Those were all.
    AllListed,
    /// A watch was begun: there is the right to.
    Begun,
    /// An object was made or changed.
    Changed(K),
    /// An object is gone.
    Gone(K),
}

/// Why nothing is heard for a while, without a byte of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum WatchError {
    /// The API server refuses to list or to watch, or breaks off a watch with an error: its code and reason.
    Refused {
        code: u16,
        reason: String,
        watching: bool,
    },
    Unreachable,
    Unreadable,
    EndsAtOnce,
    NoVersion,
}

impl WatchError {
    fn of(error: &kube::Error, watching: bool) -> Self {
        match error {
            kube::Error::Api(status) => Self::of_status(status, watching),
            kube::Error::SerdeError(_) | kube::Error::FromUtf8(_) => Self::Unreadable,
            _ => Self::Unreachable,
        }
    }

    fn of_status(status: &Status, watching: bool) -> Self {
        Self::Refused {
            code: status.code,
            reason: status.reason.clone(),
            watching,
        }
    }

    /// Whether the right to watch is missing, while that to list is there.
    pub(super) fn is_not_allowed_to_watch(&self) -> bool {
        matches!(
            self,
            Self::Refused {
                code: 403,
                watching: true,
                ..
            }
        )
    }

    /// Whether it is likely to be over soon.
    fn passes(&self) -> bool {
        match self {
            Self::Refused { code, .. } => *code == 429 || *code >= 500,
            Self::Unreachable | Self::Unreadable => true,
            Self::EndsAtOnce | Self::NoVersion => false,
        }
    }

    /// Whether it lasts until somebody does something about it: a right or the resource definition is missing.
    pub(super) fn lasts(&self) -> bool {
        matches!(
            self,
            Self::Refused {
                code: 403 | 404,
                ..
            }
        )
    }

    fn is_gone(&self) -> bool {
        matches!(self, Self::Refused { code: GONE, .. })
    }
}

impl fmt::Display for WatchError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Refused { code: 403, .. } => {
                "the ServiceAccount has no right to list and watch them"
            }
            Self::Refused { code: 404, .. } => {
                "the API server does not know them; is the CustomResourceDefinition installed?"
            }
            Self::Refused { code, reason, .. } => {
                return write!(formatter, "the API server answered {code} {reason}");
            }
            Self::Unreachable => "the API server cannot be reached, or broke off",
            Self::Unreadable => "the API server's answer cannot be read",
            Self::EndsAtOnce => "the API server ends the watch at once",
            Self::NoVersion => "the API server's answer has no version",
        })
    }
}

/// The objects of a kind, in a namespace or in all.
pub(super) struct ResourceWatch<K> {
    api: Api<K>,
    labels: Option<String>,
    /// How many objects the next page is to have.
    page: u32,
    /// Turns to have a page in memory, where there are several watches.
    turns: Option<Arc<Semaphore>>,
    turn: Option<OwnedSemaphorePermit>,
    state: State<K>,
    /// No request is made before this.
    not_before: Instant,
    failures: u32,
}

enum State<K> {
    Unlisted,
    /// These were listed, then this is to be done.
    Listing(vec::IntoIter<K>, Then),
    /// Everything is known up to a version.
    Listed(String),
    Watching(String, Watch),
}

enum Then {
    /// The next page, or the first one.
    List(Option<String>),
    /// A watch from this version on.
    Watch(String),
}

struct Watch {
    lines: Pin<Box<dyn AsyncBufRead + Send>>,
    begun: Instant,
    heard: bool,
}

impl<K> ResourceWatch<K>
where
    K: Resource + Clone + DeserializeOwned + fmt::Debug + Send + 'static,
{
    /// Of those with these labels, where a selector is given.
    pub(super) fn new(api: Api<K>, labels: Option<String>) -> Self {
        Self {
            api,
            labels,
            page: page::FEWEST,
            turns: None,
            turn: None,
            state: State::Unlisted,
            not_before: Instant::now(),
            failures: 0,
        }
    }

    /// Has no page in memory, nor asks for one, before it has a turn.
    pub(super) fn in_turn(mut self, turns: &Arc<Semaphore>) -> Self {
        self.turns = Some(Arc::clone(turns));
        self
    }

    /// What is heard next. That everything is listed anew is told to `begins`, before the API server is asked.
    ///
    /// After an error it goes on, in its time. What was listed before one is listed again; a page that fails, other than
    /// the first, is asked for again before it counts as one.
    pub(super) async fn next(&mut self, begins: impl Fn()) -> Result<Event<K>, WatchError> {
        loop {
            match mem::replace(&mut self.state, State::Unlisted) {
                State::Unlisted => {
                    sleep_until(self.not_before).await;
                    begins();
                    self.state = State::Listing(Vec::new().into_iter(), Then::List(None));
                }
                State::Listing(mut objects, then) => {
                    if let Some(object) = objects.next() {
                        self.state = State::Listing(objects, then);
                        return Ok(Event::Listed(object));
                    }
                    self.turn = None;
                    match then {
                        Then::List(token) => self.list(token).await?,
                        Then::Watch(version) => {
                            self.state = State::Listed(version);
                            return Ok(Event::AllListed);
                        }
                    }
                }
                State::Listed(version) => {
                    self.begin_watch(version).await?;
                    return Ok(Event::Begun);
                }
                State::Watching(version, watch) => {
                    if let Some(event) = self.hear(version, watch).await? {
                        return Ok(event);
                    }
                }
            }
        }
    }

    async fn list(&mut self, token: Option<String>) -> Result<(), WatchError> {
        if token.is_none() {
            self.page = page::FEWEST;
        }
        let mut tries = 0;
        let list = loop {
            let turn = match &self.turns {
                // It is never closed.
                Some(turns) => Arc::clone(turns).acquire_owned().await.ok(),
                None => None,
            };
            let error = match self.page(token.as_deref()).await {
                Ok(Some(list)) => {
                    self.turn = turn;
                    break list;
                }
                Ok(None) => {
                    self.page = page::FEWEST;
                    continue;
                }
                Err(error) => error,
            };
            drop(turn);
            tries += 1;
            // To list everything again for each page that fails would never end where there are hundreds.
            if token.is_none() || tries == PAGE_TRIES || !error.passes() {
                return Err(self.failed(error));
            }
            sleep(with_jitter(FIRST_PAGE_WAIT * (1 << tries)).min(LAST_PAGE_WAIT)).await;
        };
        let said = |text: Option<String>| text.filter(|text| !text.is_empty());
        let (token, version) = (
            said(list.metadata.continue_),
            said(list.metadata.resource_version),
        );
        let then = match (token, version) {
            (Some(token), _) => Then::List(Some(token)),
            (None, Some(version)) => Then::Watch(version),
            (None, None) => {
                self.turn = None;
                return Err(self.failed(WatchError::NoVersion));
            }
        };
        self.state = State::Listing(list.items.into_iter(), then);
        Ok(())
    }

    /// Asks for a page; none where it is too long.
    async fn page(&mut self, token: Option<&str>) -> Result<Option<ObjectList<K>>, WatchError> {
        let params = ListParams {
            label_selector: self.labels.clone(),
            limit: Some(self.page),
            continue_token: token.map(str::to_owned),
            ..ListParams::default()
        };
        let request = Request::new(self.api.resource_url());
        let request = match K::metadata_api() {
            true => request.list_metadata(&params),
            false => request.list(&params),
        };
        let client = self.api.clone().into_client();
        let page = match request {
            Ok(request) => page::read(&client, request, self.page).await,
            Err(error) => Err(kube::Error::BuildRequest(error)),
        };
        match page {
            Ok(Page::Text(text)) => {
                let list: ObjectList<K> =
                    serde_json::from_slice(&text).map_err(|_| WatchError::Unreadable)?;
                self.page = page::next(text.len(), list.items.len());
                Ok(Some(list))
            }
            Ok(Page::TooLong) => Ok(None),
            Ok(Page::Refused(status)) => Err(WatchError::of_status(&status, false)),
            Err(error) => Err(WatchError::of(&error, false)),
        }
    }

    async fn begin_watch(&mut self, version: String) -> Result<(), WatchError> {
        sleep_until(self.not_before).await;
        let params = WatchParams {
            label_selector: self.labels.clone(),
            timeout: Some(WATCH_SECONDS),
            ..WatchParams::default()
        };
        let request = Request::new(self.api.resource_url());
        let request = match K::metadata_api() {
            true => request.watch_metadata(&params, &version),
            false => request.watch(&params, &version),
        };
        let begun = Instant::now();
        self.not_before = begun + AGAIN;
        let answer = match request {
            Ok(request) => self.api.clone().into_client().request_stream(request).await,
            Err(error) => Err(kube::Error::BuildRequest(error)),
        };
        match answer {
            Ok(lines) => {
                let lines = Box::pin(lines);
                let heard = false;
                let watch = Watch {
                    lines,
                    begun,
                    heard,
                };
                self.state = State::Watching(version, watch);
                Ok(())
            }
            Err(error) => {
                let error = WatchError::of(&error, true);
                if !error.is_gone() {
                    self.state = State::Listed(version);
                }
                Err(self.failed(error))
            }
        }
    }

    /// The next event of a watch, where it was one that tells of an object.
    async fn hear(
        &mut self,
        version: String,
        mut watch: Watch,
    ) -> Result<Option<Event<K>>, WatchError> {
        let mut line = Vec::new();
        let read = watch.lines.read_until(b'\n', &mut line).await;
        if !line.ends_with(b"\n") {
            return self.ended(version, &watch, read).map(|()| None);
        }
        let Ok(event) = serde_json::from_slice(&line) else {
            // What it said is not known.
            return Err(self.failed(WatchError::Unreadable));
        };
        let version_of = |object: &K| object.meta().resource_version.clone().unwrap_or_default();
        let (version, event) = match event {
            WatchEvent::Added(object) | WatchEvent::Modified(object) => {
                (version_of(&object), Some(Event::Changed(object)))
            }
            WatchEvent::Deleted(object) => (version_of(&object), Some(Event::Gone(object))),
            WatchEvent::Bookmark(bookmark) => (bookmark.metadata.resource_version, None),
            WatchEvent::Error(status) => {
                let error = WatchError::of_status(&status, false);
                if !error.is_gone() {
                    self.state = State::Listed(version);
                }
                return Err(self.failed(error));
            }
        };
        if version.is_empty() {
            return Err(self.failed(WatchError::NoVersion));
        }
        watch.heard = true;
        self.failures = 0;
        self.state = State::Watching(version, watch);
        Ok(event)
    }

    /// A watch ended, or broke off, also in the middle of a line: the next one tells of that again.
    fn ended(
        &mut self,
        version: String,
        watch: &Watch,
        read: io::Result<usize>,
    ) -> Result<(), WatchError> {
        self.state = State::Listed(version);
        if let Err(error) = &read {
            debug!(kind = ?error.kind(), "a watch broke off");
        }
        if watch.heard || watch.begun.elapsed() >= AGAIN {
            self.failures = 0;
            return Ok(());
        }
        Err(self.failed(match read {
            Ok(_) => WatchError::EndsAtOnce,
            Err(_) => WatchError::Unreachable,
        }))
    }

    /// Takes note that the next request is to wait, ever longer.
    fn failed(&mut self, error: WatchError) -> WatchError {
        self.not_before = Instant::now() + with_jitter(wait(self.failures));
        self.failures = self.failures.saturating_add(1);
        error
    }
}

/// How long to wait after so many failures in a row before.
fn wait(failures: u32) -> Duration {
    wait_after(FIRST_WAIT, failures).min(LAST_WAIT)
}

/// Up to a fifth less, so that not all who wait come back at once.
fn with_jitter(wait: Duration) -> Duration {
    // Each has a key of its own, of random numbers.
    let random = RandomState::new().build_hasher().finish();
    let fifth = u32::try_from(random % 200).unwrap_or(0);
    wait - wait * fifth / 1000
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use http::Response;
    use k8s_openapi::api::core::v1::Secret;
    use kube::{Client, client::Body};
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn waits_double_up_to_half_a_minute_and_are_never_longer() {
        let waits: Vec<u64> = (0..7).map(|times| wait(times).as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 30, 30]);
        assert_eq!(wait(u32::MAX), LAST_WAIT);
        for _ in 0..100 {
            let wait = with_jitter(LAST_WAIT);
            assert!(wait <= LAST_WAIT && wait > LAST_WAIT * 79 / 100, "{wait:?}");
        }
    }

    /// A list of 300 pages with one Secret each, of which the n-th request is answered with a code; what is heard until all
    /// are listed, or it fails, and how often was asked.
    async fn list(code: impl Fn(usize) -> u16 + Send + Sync + 'static) -> (usize, bool, usize) {
        const PAGES: usize = 300;
        let asked = Arc::new(Mutex::new(0));
        let count = Arc::clone(&asked);
        let service = tower::service_fn(move |request: http::Request<Body>| {
            let mut count = count.lock().expect("no test panics with it");
            *count += 1;
            let code = code(*count);
            let query = request.uri().query().unwrap_or_default().to_owned();
            let page = query
                .split('&')
                .find_map(|part| part.strip_prefix("continue="));
            let page: usize = page.map_or(0, |page| page.parse().expect("it is ours"));
            let next = (page + 1 < PAGES).then(|| (page + 1).to_string());
            let body: Value = match code {
                200 => json!({
                    "kind": "SecretList", "apiVersion": "v1",
                    "metadata": {"resourceVersion": "7", "continue": next},
                    "items": [{"metadata": {"name": format!("db-{page}"), "namespace": "prod"}}],
                }),
                code => {
                    json!({"kind": "Status", "status": "Failure", "code": code, "reason": "Told"})
                }
            };
            let response = Response::builder().status(code);
            let body = Body::from(body.to_string().into_bytes());
            async move { Ok::<_, &'static str>(response.body(body).expect("it is a response")) }
        });
        let api: Api<Secret> = Api::all(Client::new(service, "default"));
        let mut watch = ResourceWatch::new(api, None);
        let mut heard = 0;
        let is_listed = loop {
            match watch.next(|| ()).await {
                Ok(Event::Listed(_)) => heard += 1,
                Ok(Event::AllListed) => break true,
                Ok(_) => panic!("nothing is watched yet"),
                Err(_) => break false,
            }
        };
        let asked = *asked.lock().expect("no test panics with it");
        (heard, is_listed, asked)
    }

    #[tokio::test(start_paused = true)]
    async fn a_list_of_hundreds_of_pages_ends_though_every_second_request_fails() {
        let outcome =
            list(|n| [500, 200, 429, 200, 503][n % 5 % 4 + usize::from(n % 7 == 0)]).await;
        assert_eq!((outcome.0, outcome.1), (300, true));
        assert!(outcome.2 > 500, "{outcome:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_list_that_is_over_begins_anew() {
        for code in [410, 403] {
            let outcome = list(move |n| if n == 5 { code } else { 200 }).await;
            assert_eq!(outcome, (4, false, 5), "{code}");
        }
        // The first page has nothing behind it that would be lost.
        let outcome = list(|_| 500).await;
        assert_eq!(outcome, (0, false, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_page_that_is_too_long_is_asked_for_anew_with_few_objects() {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let limits = Arc::clone(&asked);
        let service = tower::service_fn(move |request: http::Request<Body>| {
            let query = request.uri().query().unwrap_or_default().to_owned();
            let mut parts = query.split('&');
            let limit = parts.find_map(|part| part.strip_prefix("limit="));
            let limit: u32 = limit.map_or(0, |limit| limit.parse().expect("it is ours"));
            let page = {
                let mut limits = limits.lock().expect("no test panics with it");
                limits.push(limit);
                limits.len()
            };
            let next = (page < 4).then_some("more");
            let body = json!({
                "kind": "SecretList", "apiVersion": "v1",
                "metadata": {"resourceVersion": "7", "continue": next},
                "items": [{"metadata": {"name": format!("db-{page}"), "namespace": "prod"}}],
            });
            let mut body = body.to_string().into_bytes();
            if limit > page::FEWEST {
                body.resize(40 << 20, b' ');
            }
            async move { Ok::<_, &'static str>(Response::new(Body::from(body))) }
        });
        let api: Api<Secret> = Api::all(Client::new(service, "default"));
        let mut watch = ResourceWatch::new(api, None);
        let mut heard = Vec::new();
        while let Ok(Event::Listed(secret)) = watch.next(|| ()).await {
            heard.push(secret.metadata.name.unwrap_or_default());
        }
        let asked = asked.lock().expect("no test panics with it");
        assert_eq!(*asked, [25, 500, 25, 500, 25]);
        assert_eq!(heard, ["db-1", "db-3", "db-5"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_page_that_never_comes_ends_the_list() {
        let outcome = list(|n| if n < 5 { 200 } else { 503 }).await;
        assert_eq!(outcome, (4, false, 4 + PAGE_TRIES as usize));
    }

    #[tokio::test(start_paused = true)]
    async fn of_several_watches_no_more_have_a_page_than_there_are_turns_and_all_are_listed() {
        const WATCHES: usize = 5;
        let asked = Arc::new(Mutex::new(0));
        let count = Arc::clone(&asked);
        // Of every three requests one fails; each has two objects.
        let service = tower::service_fn(move |_: http::Request<Body>| {
            let mut count = count.lock().expect("no test panics with it");
            *count += 1;
            let code = if *count % 3 == 1 { 500 } else { 200 };
            let item = |name: &str| json!({"metadata": {"name": name, "namespace": "prod"}});
            let body = json!({
                "kind": "SecretList", "apiVersion": "v1", "metadata": {"resourceVersion": "7"},
                "items": [item("a"), item("b")],
            });
            let response = Response::builder().status(code);
            let body = Body::from(body.to_string().into_bytes());
            async move { Ok::<_, &'static str>(response.body(body).expect("it is a response")) }
        });
        let client = Client::new(service, "default");
        let turns = Arc::new(Semaphore::new(2));
        let watch = || ResourceWatch::<Secret>::new(Api::all(client.clone()), None);
        let mut watches: Vec<_> = (0..WATCHES).map(|_| watch().in_turn(&turns)).collect();
        let mut first = Vec::new();
        for watch in &mut watches {
            let minute = Duration::from_secs(60);
            let event = tokio::time::timeout(minute, async {
                loop {
                    if let Ok(event) = watch.next(|| ()).await {
                        break event;
                    }
                }
            });
            first.push(event.await.is_ok());
        }
        assert_eq!(first, [true, true, false, false, false]);
        // Who is given up gives its turn back, as does who has told of all.
        drop(watches.remove(0));
        for mut watch in watches {
            let mut events = Vec::new();
            while !matches!(events.last(), Some(Event::AllListed)) {
                events.extend(watch.next(|| ()).await);
            }
        }
        assert_eq!(turns.available_permits(), 2);
    }
}
