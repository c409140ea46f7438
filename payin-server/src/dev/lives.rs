//! The lives of a sandbox behind its one listener, and the moments to which it can return: database, chains, clock, journal and luck together.
//! Returning ends the present life and begins another; requests wait meanwhile. Kept moments are files beside nobody's data.

use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context as _;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use payin_core::Error;
use payin_types::sandbox::{JournalEntry, Snapshot};
use payin_types::{ErrorCode, Timestamp};
use tokio::sync::RwLock;
use tower::ServiceExt as _;

use super::life::{Ground, Life, Luck};
use crate::app::{App, Outcome};
use crate::env::Clock as _;
use crate::http::sandbox::Return;
use crate::sandbox::world::Chains;
use crate::sandbox::{Journal, World};
use crate::store::{Fault, Location, Tx, Unit};

/// How the sandbox began.
pub(super) const START: &str = "start";
/// Moments kept beside the start; more are refused.
const KEPT_MAX: usize = 64;

/// A moment to which the sandbox can return.
pub(super) struct Moment {
    pub(super) at: Timestamp,
    pub(super) frozen: bool,
    pub(super) chains: Chains,
    pub(super) journal: (u64, VecDeque<JournalEntry>),
    pub(super) luck: Luck,
    /// The database as it was.
    files: PathBuf,
}

/// The moments of a sandbox.
pub(super) struct Moments {
    /// Where the database is; nothing if it is not a file.
    database: Option<PathBuf>,
    folder: tempfile::TempDir,
    kept: Mutex<BTreeMap<String, Arc<Moment>>>,
}

/// What a moment is made of, at rest.
pub(super) struct Present<'a> {
    pub(super) app: &'a App,
    pub(super) world: &'a World,
    pub(super) journal: &'a Journal,
    pub(super) luck: &'a Luck,
    pub(super) frozen: bool,
}

impl Moments {
    pub(super) fn new(database: &Location) -> anyhow::Result<Self> {
        let database = match database {
            Location::Sqlite(path) => Some(path.clone()),
            Location::Postgres(_) => None,
        };
        let folder = tempfile::tempdir().context("a temporary folder")?;
        Ok(Self { database, folder, kept: Mutex::default() })
    }

    fn kept(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Moment>>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn database(&self) -> Result<&Path, Error> {
        let message = "Snapshots are copies of a SQLite file; this sandbox runs on PostgreSQL, so start another one, or one on SQLite";
        self.database.as_deref().ok_or_else(|| Error::new(ErrorCode::InvalidState, message))
    }

    /// Keeps the present, as the beginning or under the next number.
    pub(super) async fn keep(&self, is_start: bool, present: &Present<'_>) -> Result<Snapshot, Error> {
        let database = self.database()?;
        let kept = self.kept().len();
        if kept > KEPT_MAX {
            return Err(Error::new(ErrorCode::InvalidState, format!("There are {KEPT_MAX} snapshots already; start another sandbox")));
        }
        let id = if is_start { START.to_owned() } else { format!("snap_{kept}") };
        let files = self.folder.path().join(&id);
        let unit = CopyFiles { from: database.to_owned(), to: files.clone() };
        present.app.store.write(unit).await.map_err(|failure| {
            tracing::error!(%failure, "a snapshot cannot be kept");
            Error::new(ErrorCode::InternalError, "The database could not be copied; the server's log says why")
        })?;
        let Present { world, journal, luck, frozen, .. } = present;
        let (at, chains) = (world.clock().now(), world.copy());
        let moment = Moment { at, frozen: *frozen, chains, journal: journal.copy(), luck: luck.copy(), files };
        self.kept().insert(id.clone(), Arc::new(moment));
        Ok(Snapshot { snapshot_id: id, at })
    }

    /// A moment that was kept.
    pub(super) fn find(&self, id: &str) -> Result<(Snapshot, Arc<Moment>), Error> {
        self.database()?;
        let kept = self.kept();
        let unknown = || Error::new(ErrorCode::ResourceNotFound, format!("There is no snapshot '{}'", payin_core::error::shown(id)));
        let moment = kept.get(id).ok_or_else(unknown)?;
        Ok((Snapshot { snapshot_id: id.to_owned(), at: moment.at }, Arc::clone(moment)))
    }

    /// Puts the database of a moment in the place of the present one, which is closed.
    fn put_back(&self, moment: &Moment) -> anyhow::Result<()> {
        let database = self.database.as_deref().context("the database is no file")?;
        for suffix in ["-wal", "-shm"] {
            let beside = beside(database, suffix);
            if beside.exists() {
                std::fs::remove_file(beside)?;
            }
        }
        copy(&moment.files.join(COPY), database)
    }
}

/// The copy's name.
const COPY: &str = "payin.db";

/// Copies the database while nobody can write: what was committed is in its file and in the log beside it.
struct CopyFiles {
    from: PathBuf,
    to: PathBuf,
}

impl Unit for CopyFiles {
    type Output = ();

    async fn run<'a>(&'a self, _: &'a mut Tx<'_>) -> Outcome<()> {
        let copied = std::fs::create_dir_all(&self.to).map_err(anyhow::Error::from).and_then(|()| copy(&self.from, &self.to.join(COPY)));
        Ok(copied.map_err(|error| Fault::Corrupt(error.to_string()))?)
    }
}

/// A database's file, and the log beside it if there is one.
fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    std::fs::copy(from, to).with_context(|| format!("copying to {}", to.display()))?;
    let log = beside(from, "-wal");
    if log.exists() {
        std::fs::copy(&log, beside(to, "-wal")).context("copying the log")?;
    }
    Ok(())
}

fn beside(file: &Path, suffix: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// The lives of a sandbox, one after another.
pub(super) struct Lives {
    ground: Ground,
    moments: Arc<Moments>,
    /// Whoever is answered reads; whoever begins another life writes.
    present: RwLock<Option<Life>>,
}

impl Lives {
    pub(super) fn new(ground: Ground, moments: Arc<Moments>, life: Life) -> Self {
        Self { ground, moments, present: RwLock::new(Some(life)) }
    }

    /// What answers, whichever life it is.
    pub(super) fn router(self: &Arc<Self>) -> Router {
        Router::new().fallback(answer).with_state(Arc::clone(self))
    }

    /// Lets those who read events as they happen go.
    pub(super) async fn stop_streams(&self) {
        if let Some(life) = self.present.read().await.as_ref() {
            life.app.streams.stop();
        }
    }

    /// Ends the present life, for good.
    pub(super) async fn end(&self) {
        if let Some(life) = self.present.write().await.take() {
            life.end().await;
        }
    }

    async fn return_to(&self, id: &str) -> anyhow::Result<()> {
        let (_, moment) = self.moments.find(id).map_err(|error| anyhow::anyhow!(error.message))?;
        let mut present = self.present.write().await;
        if let Some(life) = present.take() {
            life.end().await;
        }
        self.moments.put_back(&moment)?;
        *present = Some(Life::begin(&self.ground, Some(&moment), &self.moments).await?);
        Ok(())
    }
}

async fn answer(State(lives): State<Arc<Lives>>, request: Request) -> Response {
    let present = lives.present.read().await;
    let Some(life) = present.as_ref() else { return StatusCode::SERVICE_UNAVAILABLE.into_response() };
    let Ok(response) = life.router.clone().oneshot(request).await;
    drop(present);
    let Some(Return(id)) = response.extensions().get::<Return>() else { return response };
    match lives.return_to(id).await {
        Ok(()) => response,
        Err(error) => {
            tracing::error!(%error, "the sandbox cannot return to a snapshot, and ends here");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
