//! Saying what became of a SealedSecret: in its status, by an Event, in the log and in the metrics, where it is news.

use jiff::Timestamp;
use seal_api::{SealedSecretStatus, Verdict};
use tracing::{debug, error, info, warn};

use super::{
    Cluster,
    api_server::{ApiError, Kind},
    events::event,
    object_name::ObjectName,
    read::Read,
    reconcile::Done,
};
use crate::{
    metrics::{ObjectState, UnsealError},
    plan::{next_status, status_after_write},
};

impl Cluster {
    /// Writes status and Event where there is something new to say.
    pub(super) async fn tell(
        &self,
        name: &ObjectName,
        read: &Read,
        done: &Done,
        now: Timestamp,
    ) -> Result<(), ApiError> {
        let status = read.status.as_ref();
        let next = if done.wrote {
            Some(status_after_write(
                status,
                &done.verdict,
                read.generation,
                now,
            ))
        } else {
            next_status(status, &done.verdict, read.generation, now)
        };
        self.count(name, read, &done.verdict, next.as_ref().or(status));
        let (said_before, has_room) = {
            let mut objects = self.objects();
            objects.get_mut(name).map_or((None, true), |object| {
                let said_before = object.verdict.replace(done.verdict.clone());
                (said_before, object.too_large != Some(read.seen))
            })
        };
        let writes_status = self.args.update_status && has_room;
        let is_news = if writes_status {
            next.is_some()
        } else {
            done.wrote || said_before.as_ref() != Some(&done.verdict)
        };
        if !is_news {
            return Ok(());
        }
        self.log(name, &done.verdict);
        if let Some(status) = next.filter(|_| writes_status) {
            let mut object = read.object.clone();
            object["status"] = serde_json::to_value(&status).unwrap_or_default();
            let written = self
                .api
                .replace_status(Kind::SealedSecret, name, &object)
                .await;
            match written {
                Err(ApiError::TooLarge(_)) => self.has_no_room(name, read),
                written => written.map(|_| self.metrics.status_written())?,
            }
        }
        let event = event(name, &read.uid, &read.version, &done.verdict, now);
        if let Err(error) = self.api.create(Kind::Event, &name.namespace, &event).await {
            debug!(key = %name, "the Event cannot be written: {error}");
        }
        Ok(())
    }

    /// The object is as large as the API server can store, so that its status does not fit. The Event tells of it.
    fn has_no_room(&self, name: &ObjectName, read: &Read) {
        warn!(key = %name, "the SealedSecret is so large that the API server cannot store a status with it; none is written until it changes");
        self.metrics
            .unseal_failed(UnsealError::Status, &name.namespace);
        if let Some(object) = self.objects().get_mut(name) {
            object.too_large = Some(read.seen);
        }
    }

    /// Says of it in the metrics what became of it.
    fn count(
        &self,
        name: &ObjectName,
        read: &Read,
        verdict: &Verdict,
        status: Option<&SealedSecretStatus>,
    ) {
        let instance = &read.object["metadata"]["labels"]["app.kubernetes.io/instance"];
        // One that went during the look is not counted again. It is held so that none goes meanwhile.
        let objects = self.objects();
        if objects.get(name).is_none() {
            return;
        }
        self.metrics.object_seen(&ObjectState {
            namespace: &name.namespace,
            name: &name.name,
            instance: instance.as_str().unwrap_or_default(),
            reason: verdict.reason,
            conditions: status.map_or(&[], |status| &status.conditions),
        });
    }

    fn log(&self, name: &ObjectName, verdict: &Verdict) {
        let Verdict {
            reason, message, ..
        } = verdict;
        if verdict.is_ready() {
            info!(key = %name, "SealedSecret unsealed successfully");
        } else if reason.is_terminal() {
            error!(key = %name, %reason, "{message}");
        } else {
            warn!(key = %name, %reason, "Error updating, will retry: {message}");
        }
    }
}
