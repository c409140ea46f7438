//! Whether a database is this deployment's: its master key, and its environment. Both are noted when a server first opens it.

use payin_types::Environment;

use super::{App, Outcome};
use crate::store::{Fault, Tx, Unit, access};

/// Makes sure that the database belongs to this deployment. The first master key and environment given are noted; a key beside one that is
/// known is noted, too.
#[derive(Debug)]
pub struct CheckDeployment {
    /// The MACs of a fixed text under the accepted master keys, the making one first.
    pub macs: Vec<String>,
    /// Whether its money is real.
    pub environment: Environment,
}

impl CheckDeployment {
    /// For a gateway.
    #[must_use]
    pub fn new(app: &App) -> Self {
        Self { macs: app.seal.api_key_macs("is this the master key of this database?"), environment: app.environment.clone() }
    }

    async fn master_key(&self, tx: &mut Tx<'_>) -> Result<(), Fault> {
        let known = access::master_key_macs(tx).await?;
        if !known.is_empty() && !self.macs.iter().any(|mac| known.contains(mac)) {
            let message =
                "the master key is not the one this database was made with: with it no API key, address or secret in it can be used";
            return Err(Fault::Corrupt(message.to_owned()));
        }
        match self.macs.first().filter(|mac| !known.contains(mac)) {
            Some(mac) => access::insert_master_key_mac(tx, mac).await,
            None => Ok(()),
        }
    }

    /// Behind the same lock.
    async fn environment(&self, tx: &mut Tx<'_>) -> Result<(), Fault> {
        let ours = self.environment.as_str();
        match access::environment(tx).await? {
            None => access::insert_environment(tx, ours).await,
            Some(known) if known == ours => Ok(()),
            Some(known) => Err(Fault::Corrupt(format!(
                "this is the database of a {known} server, and environment = \"{ours}\" is configured: real money and test money never share \
                 one. Give this server a database of its own"
            ))),
        }
    }
}

impl Unit for CheckDeployment {
    type Output = ();

    async fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> Outcome<()> {
        self.master_key(tx).await?;
        Ok(self.environment(tx).await?)
    }
}
