//! Upstream's own integration tests, against a controller and a `kubeseal` of choice.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

use seal_tools::UPSTREAM_INTEGRATION;
use serde_json::Value;

use super::Controller;
use crate::{programs, scratch::Scratch, seen, tools, transcripts};

/// Half a minute where nothing else is done.
const LIMIT: Duration = Duration::from_secs(600);

/// What became of the specs, by their names: the texts of their containers and their own, joined by ` / `.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Those that passed.
    pub passed: Vec<String>,
    /// Those that did not, with what they said.
    pub failed: BTreeMap<String, String>,
}

impl Outcome {
    /// Checks that there are as many specs as there should be, and that all passed but those that may fail: what hangs on
    /// timing passes now and then.
    ///
    /// # Panics
    ///
    /// When there are more or fewer, or others failed.
    #[track_caller]
    pub fn expect(&self, specs: usize, may_fail: &[&str]) {
        let mut unexpected = self.failed.clone();
        unexpected.retain(|name, _| !may_fail.contains(&name.as_str()));
        assert!(unexpected.is_empty(), "failed: {unexpected:#?}");
        let names: Vec<&String> = self.passed.iter().chain(self.failed.keys()).collect();
        assert_eq!(names.len(), specs);
        for name in may_fail {
            assert!(names.iter().any(|spec| spec == name), "no spec: {name}");
        }
    }
}

/// Runs the suite against a controller that runs, in `kube-system` and under upstream's name. Both programs are paths of
/// what the suite calls itself: `kubeseal`, and `controller --version`.
///
/// # Panics
///
/// When the suite cannot be run, or leaves no report.
pub fn run(controller: &Controller<'_>, kubeseal: &Path, version: &Path) -> Outcome {
    // The first specs wait for nothing.
    controller.certificate();
    let scratch = Scratch::new();
    let report = scratch.path().join("report.json");
    let log = scratch.path().join("suite.log");
    let file = fs::File::create(&log).expect("the folder is ours");
    let plane = controller.pod().plane;
    // It runs outside, as a developer would run it.
    let mut suite = std::process::Command::new(tools::path(&UPSTREAM_INTEGRATION))
        .arg(format!("-ginkgo.json-report={}", report.display()))
        .args([
            "-ginkgo.no-color",
            "-namespace",
            controller.pod().namespace(),
        ])
        .arg("-kubeconfig")
        .arg(plane.kubeconfig())
        .arg("-kubeseal-bin")
        .arg(kubeseal)
        .arg("-controller-bin")
        .arg(version)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").expect("a PATH is set"))
        .env("HOME", scratch.home())
        // Where `kubeseal` is one whose runs are recorded.
        .env(programs::BUILT, programs::folder())
        .env(transcripts::INHERITED, transcripts::inherited())
        .envs(std::env::var_os(seen::FILE).map(|file| (seen::FILE, file)))
        .current_dir(scratch.path())
        .stdin(Stdio::null())
        .stdout(file.try_clone().expect("an open file can be shared"))
        .stderr(file)
        .spawn()
        .expect("it was just built");
    let deadline = Instant::now() + LIMIT;
    while suite.try_wait().expect("it is our child").is_none() {
        if Instant::now() > deadline {
            drop(suite.kill());
            drop(suite.wait());
            panic!("the suite does not end\n{}", controller.tail());
        }
        thread::sleep(Duration::from_millis(100));
    }
    let text = fs::read_to_string(&report).unwrap_or_else(|error| {
        let said = fs::read_to_string(&log).unwrap_or_default();
        panic!("the suite left no report: {error}\n{said}")
    });
    parse(&serde_json::from_str(&text).expect("the report is JSON"))
}

fn parse(report: &Value) -> Outcome {
    let mut outcome = Outcome::default();
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    for spec in list(report)
        .iter()
        .flat_map(|suite| list(&suite["SpecReports"]))
    {
        let texts = list(&spec["ContainerHierarchyTexts"]);
        let names: Vec<&str> = texts
            .iter()
            .chain([&spec["LeafNodeText"]])
            .filter_map(Value::as_str)
            .collect();
        let name = names.join(" / ");
        let of_spec = spec["LeafNodeType"] == "It";
        match spec["State"].as_str() {
            Some("passed") if of_spec => outcome.passed.push(name),
            // What runs before and after the specs counts only where it fails.
            Some("passed") => {}
            state => {
                let message = spec["Failure"]["Message"].as_str().unwrap_or_default();
                let said = format!("{}: {message}", state.unwrap_or("nothing"));
                outcome.failed.insert(name, said);
            }
        }
    }
    outcome
}
