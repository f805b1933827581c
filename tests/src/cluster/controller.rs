//! A program that runs in a pod, with the command, arguments, environment and ServiceAccount of the pod's container.

use std::{
    cell::RefCell,
    collections::BTreeSet,
    ffi::OsString,
    fs,
    os::unix::{fs::symlink, process::CommandExt},
    path::PathBuf,
    process::{Child, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use seal_api::Reason;
use serde_json::Value;

use super::{
    Pod,
    pod::{READY, first_line},
    scenario::{GLANCE, wait_within},
};
use crate::{
    control_plane::{ADDRESS, Answer},
    programs::Program,
    seen::{self, Invocation},
};

/// Where a pod has the files of its ServiceAccount.
const SERVICE_ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
/// `files folder log program...`: only the program sees those files, and this machine's are out of its sight.
const INSIDE: &str = r#"
mount -t tmpfs tmpfs "$(readlink -f /var/run)" && mkdir -p "$1" && cp "$0"/* "$1" || exit 120
log=$2 && shift 2 && read -r pid rest </proc/self/stat && echo "$pid" && exec "$@" >>"$log" 2>&1
"#;
/// Longer than the grace that upstream and we give requests that are under way.
const STOP: Duration = Duration::from_secs(30);
const TAIL: usize = 40;

/// A controller in its pod. Dropped, it is killed, and its pod is deleted.
#[derive(Debug)]
pub struct Controller<'p> {
    program: Program,
    process: Option<Process>,
    arguments: Vec<OsString>,
    environment: Vec<(String, String)>,
    log: PathBuf,
    /// In the conditions that were looked at.
    reasons: RefCell<BTreeSet<String>>,
    // Dropped after the process.
    pod: Pod<'p>,
}

#[derive(Debug)]
struct Process {
    child: Child,
    /// As it is seen from here.
    pid: Pid,
    /// How long the log was before.
    begun: usize,
}

impl Process {
    /// `nsenter` stops when its child does, and goes on only when it is told to.
    fn wake_parent(&self) {
        let parent = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        // It fails only for a process that is gone already.
        if let Some(parent) = parent {
            let _ = kill_process(parent, Signal::CONT);
        }
    }
}

/// How a controller ended.
#[derive(Clone, Debug)]
pub struct Ended {
    /// The exit code; none when a signal ended it.
    pub code: Option<i32>,
    /// What it wrote in this run.
    pub log: String,
}

impl<'p> Controller<'p> {
    /// Starts a program in place of the pod's image: what the container calls by its command, such as `controller`.
    ///
    /// # Panics
    ///
    /// When it cannot be started.
    pub fn start(pod: Pod<'p>, program: Program) -> Self {
        let container = pod.container();
        let words = |field: &str| {
            let words = container[field].as_array().map_or(&[][..], Vec::as_slice);
            words.iter().filter_map(Value::as_str).map(OsString::from)
        };
        // What the image would run where the container does not say.
        let mut arguments: Vec<OsString> = words("command").collect();
        if arguments.is_empty() {
            arguments.push("controller".into());
        }
        arguments.extend(words("args"));
        let bin = put_in_place(&pod, program);
        let port = pod.plane.port().to_string();
        let mut environment = vec![
            ("PATH".to_owned(), bin.display().to_string()),
            ("HOSTNAME".to_owned(), pod.name().to_owned()),
            ("KUBERNETES_SERVICE_HOST".to_owned(), ADDRESS.to_owned()),
            ("KUBERNETES_SERVICE_PORT".to_owned(), port),
        ];
        for variable in container["env"].as_array().into_iter().flatten() {
            let name = variable["name"].as_str().unwrap_or_default().to_owned();
            let value = match variable["valueFrom"].is_null() {
                true => variable["value"].as_str().unwrap_or_default().to_owned(),
                false => pod.refers_to(&variable["valueFrom"]),
            };
            environment.push((name, value));
        }
        let mut controller = Self {
            program,
            process: None,
            arguments,
            environment,
            log: pod.files.path().join("controller.log"),
            reasons: RefCell::default(),
            pod,
        };
        controller.start_again();
        controller
    }

    /// Ends it and starts another program in its place, in the same pod, as when only the image changes.
    ///
    /// # Panics
    ///
    /// When one does not end, or the other does not get ready.
    pub fn replace(&mut self, program: Program) -> Ended {
        let ended = self.stop();
        self.program = program;
        put_in_place(&self.pod, program);
        self.start_again();
        self.wait_until_ready();
        ended
    }

    /// Starts it once more in the same pod, after [`Self::stop`] or [`Self::kill`].
    ///
    /// # Panics
    ///
    /// When it runs, or cannot be started.
    pub fn start_again(&mut self) {
        assert!(self.process.is_none(), "it runs already");
        let begun = self.log().len();
        let mut child = self
            .pod
            .enter("unshare")
            .args(["--mount", "sh", "-c", INSIDE])
            .arg(self.pod.files.path().join("service-account"))
            .arg(SERVICE_ACCOUNT)
            .arg(&self.log)
            .args(["env", "-i"])
            .args(
                self.environment
                    .iter()
                    .map(|(name, value)| format!("{name}={value}")),
            )
            .args(&self.arguments)
            .current_dir(self.pod.files.home())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .process_group(0)
            .spawn()
            .expect("`nsenter` is there");
        let output = child.stdout.take().expect("standard output is a pipe");
        let pid = first_line(output).parse().ok().and_then(Pid::from_raw);
        self.process = Some(Process {
            child,
            pid: pid.expect("a namespace with files of its own can be made"),
            begun,
        });
    }

    /// Waits until the container's readiness probe passes, as a kubelet would, and lets the Services use the pod.
    ///
    /// # Panics
    ///
    /// When it ends, or does not get ready.
    pub fn wait_until_ready(&mut self) {
        let path = self.probe_path("readinessProbe");
        self.wait_for_within(READY, "the readiness probe passes", |controller| {
            let passes = |path: &String| controller.pod.plane.api().get(path).status == 200;
            path.as_ref().is_none_or(passes).then_some(())
        });
        self.pod.set_ready(true);
    }

    /// What the liveness probe is answered.
    ///
    /// # Panics
    ///
    /// When the container has none.
    pub fn liveness(&self) -> Answer {
        let path = self.probe_path("livenessProbe");
        self.pod
            .plane
            .api()
            .get(&path.expect("the container has a liveness probe"))
    }

    /// Asks it to stop (SIGTERM) and waits for its end.
    ///
    /// # Panics
    ///
    /// When it does not run, or does not end in half a minute.
    pub fn stop(&mut self) -> Ended {
        self.end(Signal::TERM)
    }

    /// Kills it.
    ///
    /// # Panics
    ///
    /// When it does not run.
    pub fn kill(&mut self) -> Ended {
        self.end(Signal::KILL)
    }

    /// Keeps it from running (SIGSTOP), as a machine that is suspended does, until [`Self::go_on`].
    ///
    /// # Panics
    ///
    /// When it does not run.
    pub fn hold(&self) {
        let process = self.process.as_ref().expect("it runs");
        kill_process(process.pid, Signal::STOP).expect("it runs");
    }

    /// Lets it run again after [`Self::hold`].
    ///
    /// # Panics
    ///
    /// When it does not run.
    pub fn go_on(&self) {
        let process = self.process.as_ref().expect("it runs");
        kill_process(process.pid, Signal::CONT).expect("it runs");
        process.wake_parent();
    }

    /// Stops it, starts it again and waits until it is ready.
    ///
    /// # Panics
    ///
    /// When it does not end, or does not get ready.
    pub fn restart(&mut self) -> Ended {
        let ended = self.stop();
        self.start_again();
        self.wait_until_ready();
        ended
    }

    /// Waits until it ends by itself.
    ///
    /// # Panics
    ///
    /// When it does not run, or does not end in half a minute.
    pub fn wait_until_it_ends(&mut self) -> Ended {
        let mut process = self.process.take().expect("it runs");
        let deadline = Instant::now() + STOP;
        let status = loop {
            let status = process.child.try_wait().expect("it is our child");
            if let Some(status) = status {
                break status;
            }
            assert!(
                Instant::now() < deadline,
                "it does not end\n{}",
                self.tail()
            );
            thread::sleep(GLANCE);
        };
        self.record(status.code(), process.begun)
    }

    /// Whether it runs.
    pub fn runs(&mut self) -> bool {
        self.process
            .as_mut()
            .is_some_and(|process| matches!(process.child.try_wait(), Ok(None)))
    }

    /// Its process id.
    ///
    /// # Panics
    ///
    /// When it does not run.
    pub fn pid(&self) -> u32 {
        let process = self.process.as_ref().expect("it runs");
        process.pid.as_raw_nonzero().get().unsigned_abs()
    }

    /// Its pod.
    pub fn pod(&self) -> &Pod<'p> {
        &self.pod
    }

    /// Everything that it wrote, in all its runs.
    pub fn log(&self) -> String {
        let bytes = fs::read(&self.log).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// The end of [`Self::log`], for a message.
    pub fn tail(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        let tail = lines[lines.len().saturating_sub(TAIL)..].join("\n");
        format!("the end of the controller's log:\n{tail}")
    }

    /// Waits until there is something, looking again and again; `what` names it.
    ///
    /// # Panics
    ///
    /// When there is nothing for 30 seconds: with the end of the log.
    #[track_caller]
    pub fn wait_for<T>(&self, what: &str, look: impl FnMut(&Self) -> Option<T>) -> T {
        self.wait_for_within(READY, what, look)
    }

    /// As [`Self::wait_for`], with a limit of its own.
    ///
    /// # Panics
    ///
    /// When there is nothing in that time: with the end of the log.
    #[track_caller]
    pub fn wait_for_within<T>(
        &self,
        limit: Duration,
        what: &str,
        mut look: impl FnMut(&Self) -> Option<T>,
    ) -> T {
        let process = self.process.as_ref();
        wait_within(
            limit,
            what,
            || self.tail(),
            || {
                let found = look(self);
                // It must not be reaped here: then the process id could be another's.
                let gone = process.is_some_and(|process| !is_alive(process.pid));
                assert!(
                    found.is_some() || !gone,
                    "the controller ended before: {what}\n{}",
                    self.tail()
                );
                found
            },
        )
    }

    /// Keeps the reasons in an object's conditions for the closed lists.
    pub(super) fn note_reasons(&self, object: &Value) {
        let conditions = object["status"]["conditions"].as_array();
        let reasons = conditions
            .into_iter()
            .flatten()
            .filter_map(|condition| condition["reason"].as_str())
            // An earlier controller may have had words of its own.
            .filter(|reason| Reason::ALL.iter().any(|known| known.as_str() == *reason));
        self.reasons.borrow_mut().extend(reasons.map(str::to_owned));
    }

    fn probe_path(&self, name: &str) -> Option<String> {
        let probe = &self.pod.container()[name]["httpGet"];
        let path = probe["path"].as_str()?;
        Some(self.proxy_path(self.pod.port(&probe["port"]), path))
    }

    /// A path of the program's own, through the API server.
    pub(super) fn proxy_path(&self, port: u64, path: &str) -> String {
        let (namespace, name) = (self.pod.namespace(), self.pod.name());
        format!("/api/v1/namespaces/{namespace}/pods/http:{name}:{port}/proxy{path}")
    }

    fn end(&mut self, signal: Signal) -> Ended {
        let process = self.process.as_ref().expect("it runs");
        kill_process(process.pid, signal)
            .unwrap_or_else(|error| panic!("it ended before: {error}\n{}", self.tail()));
        self.pod.set_ready(false);
        self.wait_until_it_ends()
    }

    fn record(&self, code: Option<i32>, begun: usize) -> Ended {
        let log = self.log().get(begun..).unwrap_or_default().to_owned();
        if self.program.is_ours() {
            let names = self.environment.iter().map(|(name, _)| name.as_ref());
            // The first is what the image calls the program.
            let invocation = Invocation::new(self.program.name(), &self.arguments[1..], names);
            let mut reasons = seen::reasons_in(log.as_bytes());
            reasons.extend(self.reasons.take());
            seen::record(&invocation, code, &reasons);
            seen::record_audits(log.as_bytes());
        }
        Ended { code, log }
    }
}

impl Drop for Controller<'_> {
    fn drop(&mut self) {
        let Some(mut process) = self.process.take() else {
            return;
        };
        // It fails only for a process that is gone already, which is all we want.
        let _ = kill_process(process.pid, Signal::KILL);
        process.wake_parent();
        let status = process.child.wait();
        if !thread::panicking() {
            self.record(status.ok().and_then(|status| status.code()), process.begun);
        }
    }
}

/// Makes a program what the pod's commands mean, and returns the folder where they are looked for.
fn put_in_place(pod: &Pod<'_>, program: Program) -> PathBuf {
    let bin = pod.files.path().join("bin");
    drop(fs::remove_dir_all(&bin));
    fs::create_dir_all(&bin).expect("the folder is ours");
    for name in ["controller", "seal-controller"] {
        if program.is_ours() || name == "controller" {
            symlink(program.path(), bin.join(name)).expect("the folder is ours");
        }
    }
    bin
}

/// Neither gone nor a zombie, which nobody has waited for yet.
fn is_alive(pid: Pid) -> bool {
    let path = format!("/proc/{}/stat", pid.as_raw_nonzero());
    let stat = fs::read_to_string(path).unwrap_or_default();
    let state = stat
        .rsplit_once(')')
        .map_or("", |(_, rest)| rest.trim_start());
    !state.is_empty() && !state.starts_with('Z')
}
