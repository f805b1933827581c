//! What a person does while the first unsealing goes on: an object is created or changed, and its Secret has to be right.

use std::{
    thread,
    time::{Duration, Instant},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use seal_tests::{cluster::sealed_secret, control_plane::ControlPlane};
use serde_json::{Value, json};

use crate::{
    figure::{Figure, Report, percentile, shown},
    ground::{Ground, Whose, wait},
    say,
    sealing::{KEYS, Keys, Spread, value},
};

const OF_EACH: usize = 50;
const GLANCE: Duration = Duration::from_millis(5);
const LIMIT: Duration = Duration::from_secs(3600);

/// A SealedSecret that was created or changed, and what its Secret has to hold.
struct Asked {
    is_new: bool,
    /// The path of the Secret.
    secret: String,
    /// The first of its values, as the API has it.
    value: String,
    at: Instant,
}

pub(crate) fn measure(objects: usize) -> Report {
    let keys = Keys::new(KEYS);
    let plane = ControlPlane::start();
    let ground = Ground::new(&plane, Whose::Ours, &keys);
    ground.create(&keys.seal(Spread::Evenly, 0, objects, 0));
    let new = keys.seal(Spread::Newest, objects, OF_EACH, 0);
    // Every so many, so that some of them had their turn and others did not.
    let step = (objects / OF_EACH).max(1);
    let changed: Vec<usize> = (0..objects).step_by(step).take(OF_EACH).collect();
    let changed = changed.into_iter().flat_map(|number| {
        let object = keys.seal(Spread::Newest, number, 1, 1);
        object.into_iter().map(move |object| (number, object))
    });
    let changed: Vec<_> = changed.collect();
    let created = new.into_iter().zip(objects..);
    let created = created.map(|(object, number)| (true, number, object));
    let changed = changed
        .into_iter()
        .map(|(number, object)| (false, number, object));
    let work: Vec<_> = created
        .zip(changed)
        .flat_map(|(one, other)| [one, other])
        .collect();

    let mut controller = ground.start();
    let begin = objects / 20;
    wait(&mut controller, "it works", |_| {
        (ground.made() > begin).then_some(())
    });
    say("it is in the middle of it");
    let begun = Instant::now();
    let mut times = [Vec::new(), Vec::new()];
    let mut waiting = Vec::new();
    let mut left = None;
    for (is_new, number, object) in work {
        waiting.push(ask(&ground, is_new, number, &object));
        // One after the other where it answers at once; where it does not, people do not wait for each other.
        let next = Instant::now() + Duration::from_millis(200);
        while !waiting.is_empty() && Instant::now() < next {
            look(&ground, &mut waiting, &mut times);
            thread::sleep(GLANCE);
        }
        if is_new && ground.made() < objects {
            left = Some(objects - ground.made());
        } else if is_new {
            left = None;
        }
    }
    say(&format!(
        "all were asked for after {}",
        shown(begun.elapsed())
    ));
    while !waiting.is_empty() {
        assert!(begun.elapsed() < LIMIT, "in vain: {}", controller.tail());
        look(&ground, &mut waiting, &mut times);
        thread::sleep(GLANCE);
    }
    let [mut created, mut changed] = times;
    let meanwhile = match left {
        Some(left) => format!("{left} of {objects} waited still when the last was asked for"),
        None => format!("the {objects} were through before the last was asked for"),
    };
    let mut report = Report::default();
    for (what, times) in [("created", &mut created), ("changed", &mut changed)] {
        report.add(Figure::alone(
            format!("a SealedSecret {what} in the middle of the first unsealing of {objects}, {KEYS} keys, p99 of {OF_EACH}"),
            shown(percentile(times, 99)),
            &meanwhile,
        ));
        report.add(Figure::alone(
            "the same, median",
            shown(percentile(times, 50)),
            "",
        ));
    }
    report
}

fn ask(ground: &Ground<'_>, is_new: bool, number: usize, object: &Value) -> Asked {
    let text = |path: &str| {
        object
            .pointer(path)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let (namespace, name) = (text("/metadata/namespace"), text("/metadata/name"));
    let at = Instant::now();
    let api = ground.plane.api();
    let answer = match is_new {
        true => api.create(sealed_secret(namespace, "").trim_end_matches('/'), object),
        false => api.patch(
            &sealed_secret(namespace, name),
            &json!({"spec": {"encryptedData": object["spec"]["encryptedData"]}}),
        ),
    };
    assert!(matches!(answer.status, 200 | 201), "{}", answer.body);
    Asked {
        is_new,
        secret: format!("/api/v1/namespaces/{namespace}/secrets/{name}"),
        value: STANDARD.encode(value(number, 0, usize::from(!is_new))),
        at,
    }
}

/// Takes out those whose Secret is right by now.
fn look(ground: &Ground<'_>, waiting: &mut Vec<Asked>, times: &mut [Vec<Duration>; 2]) {
    waiting.retain(|asked| {
        let secret = ground.plane.api().get(&asked.secret).body;
        let is_right = secret["data"]["value-0"] == *asked.value;
        if is_right {
            times[usize::from(!asked.is_new)].push(asked.at.elapsed());
        }
        !is_right
    });
}
