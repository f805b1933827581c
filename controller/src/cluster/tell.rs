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
    record_key::OURS,
    status::Told,
};
use crate::{
    metrics::ObjectState,
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
    ) -> Result<Told, ApiError> {
        let status = read.status.as_ref();
        let statement = if done.wrote {
            Some(status_after_write(
                status,
                &done.verdict,
                read.generation,
                now,
            ))
        } else {
            next_status(status, &done.verdict, read.generation, now)
        };
        self.count(name, read, &done.verdict, statement.as_ref().or(status));
        let (said_before, has_room) = {
            let mut objects = self.objects();
            objects.get_mut(name).map_or((None, true), |object| {
                let said_before = object.verdict.replace(done.verdict.clone());
                if done.wrote {
                    // Another controller may have looked at it for the same reason, and have something else to say.
                    object.mending = None;
                }
                (said_before, object.too_large != Some(read.seen))
            })
        };
        let writes_status = self.args.update_status && has_room;
        let is_news = if writes_status {
            statement.is_some()
        } else {
            done.wrote || said_before.as_ref() != Some(&done.verdict)
        };
        if is_news {
            self.log(name, &done.verdict);
        }
        let mut told = Told::Whole;
        if writes_status {
            let (again, statement) = self.deciding(read, done, statement, now).await;
            told = again;
            let was_undecided = self.records.is_undecided();
            if let Some(status) = self.with_record(name, read, done, statement) {
                told = told.max(self.write_status(name, read, status).await?);
                if was_undecided && self.records.key().is_some() {
                    // By another object meanwhile.
                    told = Told::WithoutRecord;
                }
            }
        }
        if is_news {
            let event = event(name, &read.uid, &read.version, &done.verdict, now);
            if let Err(error) = self.api.create(Kind::Event, &name.namespace, &event).await {
                debug!(key = %name, "the Event cannot be written: {error}");
            }
        }
        let key = self.records.key();
        Ok(match &done.record {
            None => Told::Whole,
            // There is a key since it was made.
            Some(new) if key.is_some_and(|key| key.id() != new.record.hmac_key) => {
                Told::WithoutRecord
            }
            Some(_) => told,
        })
    }

    /// Where there is a record to keep, and nobody knows yet whether records are kept: finds it out by the status that is
    /// there, or else by the answer to the one that is to be written.
    async fn deciding(
        &self,
        read: &Read,
        done: &Done,
        statement: Option<SealedSecretStatus>,
        now: Timestamp,
    ) -> (Told, Option<SealedSecretStatus>) {
        let is_news = done.record.as_ref().is_some_and(|record| record.is_news);
        if !is_news || !self.records.is_undecided() {
            return (Told::Whole, statement);
        }
        if self.look_whether_kept(&read.object, &read.object).await {
            return (Told::WithoutRecord, statement);
        }
        if read.object.pointer(OURS).is_some() {
            return (Told::Whole, statement);
        }
        let status = read.status.as_ref();
        let said = || status_after_write(status, &done.verdict, read.generation, now);
        (Told::Whole, Some(statement.unwrap_or_else(said)))
    }

    /// Says of it in the metrics what became of it.
    pub(super) fn count(
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
