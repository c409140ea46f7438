//! Settings of an organization: shown, changed, and read where they hold. Which there are is a rule of `payin-core`.

use payin_core::settings;
use payin_core::settings::{Chosen, Corrupt, Key};
use payin_types::{OrganizationId, PutSetting, Setting, Settings, Timestamp};

pub use payin_core::settings::{Deployment, Effective};

use super::{App, Outcome};
use crate::store::{self, Fault, Tx, Unit};

impl From<Corrupt> for Fault {
    fn from(corrupt: Corrupt) -> Self {
        Self::Corrupt(corrupt.to_string())
    }
}

/// What holds for an organization, given what is kept of its settings.
///
/// # Errors
/// If that cannot be read.
pub fn effective(deployment: &Deployment, kept: &str) -> Result<Effective, Fault> {
    Ok(Chosen::read(kept)?.effective(deployment))
}

async fn chosen(app: &App, organization: &OrganizationId) -> Result<Chosen, Fault> {
    Ok(Chosen::read(&store::settings::get(&mut app.store.read().await?, organization).await?)?)
}

/// Every setting of an organization.
///
/// # Errors
/// If they cannot be read.
pub async fn list(app: &App, organization: &OrganizationId) -> Outcome<Settings> {
    let chosen = chosen(app, organization).await?;
    Ok(Settings { data: settings::KEYS.iter().map(|key| chosen.to_wire(key, &app.deployment())).collect() })
}

/// One setting of an organization, by name or alias.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`.
pub async fn get(app: &App, organization: &OrganizationId, name: &str) -> Outcome<Setting> {
    let key = Key::find(name)?;
    Ok(chosen(app, organization).await?.to_wire(key, &app.deployment()))
}

/// Sets one.
#[derive(Debug)]
pub struct Put {
    /// What it is set to.
    pub request: PutSetting,
    /// Whose.
    pub organization_id: OrganizationId,
    /// Which, by name or alias.
    pub name: String,
    deployment: Deployment,
    now: Timestamp,
}

impl Put {
    /// Sets a setting of an organization.
    #[must_use]
    pub fn new(app: &App, organization_id: OrganizationId, name: String, request: PutSetting) -> Self {
        Self { request, organization_id, name, deployment: app.deployment(), now: app.clock.now() }
    }
}

impl Unit for Put {
    type Output = Setting;

    async fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> Outcome<Setting> {
        let key = Key::find(&self.name)?;
        let kept = store::settings::lock(tx, &self.organization_id).await?;
        let mut chosen = Chosen::read(&kept).map_err(Fault::from)?;
        chosen.put(key, self.request.value.clone(), &self.deployment, self.now)?;
        store::settings::put(tx, &kept, &self.organization_id, &chosen.to_text()).await?;
        Ok(chosen.to_wire(key, &self.deployment))
    }
}
