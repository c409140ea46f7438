//! Opening an order through another API: the same order on the same address as any other, and with it the endpoint that it brings along.
//! The same request again is the same order.

use std::sync::Arc;

use payin_core::Error;
use payin_core::dialect::{Dialect, Heard, Origin, same};
use payin_types::{CreateOrder, EndpointId, ErrorCode, OrganizationId, Timestamp};

use super::{Secret, Through};
use crate::app::deliveries::receiver_at;
use crate::app::endpoints::check_url;
use crate::app::orders::{Opener, check_shown};
use crate::app::{App, Outcome};
use crate::env::Targets;
use crate::seal::Seal;
use crate::store::orders::{Shown, dialect};
use crate::store::{Failure, Tx, Unit};

/// What is asked for, in the words of all APIs.
#[derive(Debug, Clone)]
pub struct Wish {
    /// The order.
    pub order: CreateOrder,
    /// What two requests for the same order have in common.
    pub fingerprint: String,
    /// Where the order's own events go; its name in that API, and the URL.
    pub webhook: Option<(&'static str, String)>,
    /// When the time to pay is to end, where that is asked for; its name in that API, and the time.
    pub ends_at: Option<(&'static str, Timestamp)>,
    /// Whether that API knows its orders by a number, too.
    pub is_numbered: bool,
}

/// An order that was opened, or that had been before.
#[derive(Debug)]
pub struct Opened {
    /// The order.
    pub order: Through,
    /// Whether this request opened it.
    pub is_new: bool,
}

/// Opens an order for an organization.
pub struct Open {
    wish: Result<Wish, Error>,
    dialect: &'static dyn Dialect,
    opener: Opener,
    endpoint_id: EndpointId,
    secret: Secret,
    seal: Arc<Seal>,
    targets: Targets,
}

impl Open {
    /// An order that is asked for through an API; `wish` says what, or why it cannot be read.
    #[must_use]
    pub fn new(app: &App, dialect: &'static dyn Dialect, organization_id: OrganizationId, wish: Result<Wish, Error>) -> Self {
        Self {
            wish,
            dialect,
            secret: Secret::new(app, organization_id.clone()),
            opener: Opener::new(app, organization_id),
            endpoint_id: EndpointId::from_random(app.random_id()),
            seal: Arc::clone(&app.seal),
            targets: app.targets,
        }
    }

    async fn existing(&self, tx: &mut Tx<'_>, wish: &Wish, origin: &Origin) -> Outcome<Option<Opened>> {
        let found = dialect::by_reference(tx, &self.opener.organization_id, &wish.order.order_reference).await?;
        let Some(order) = found else { return Ok(None) };
        same(origin, &order.shown.facts)?;
        check_shown(&self.seal, &order.shown)?;
        Ok(Some(Opened { order, is_new: false }))
    }

    /// Its deliveries are signed with the organization's secret, which there is from here on.
    async fn bring_endpoint(&self, tx: &mut Tx<'_>, order: &str, url: &str) -> Outcome<()> {
        self.secret.run(tx).await?;
        let (organization, api) = (&self.opener.organization_id, self.dialect.name());
        let receiver = receiver_at(url, &self.endpoint_id);
        Ok(dialect::insert_endpoint(tx, organization, (api, order), (&self.endpoint_id, url, &receiver), self.opener.now).await?)
    }
}

impl Unit for Open {
    type Output = Opened;

    async fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> Outcome<Opened> {
        let wish = self.wish.as_ref().map_err(Clone::clone)?;
        let origin = Origin { api: self.dialect.name().to_owned(), fingerprint: wish.fingerprint.clone() };
        // A full house, a chain that is behind, a closed shop: none of it hides an order that is there.
        if let Some(existing) = self.existing(tx, wish, &origin).await? {
            return Ok(existing);
        }
        if let Some((field, url)) = &wish.webhook {
            check_url(field, url, &self.targets)?;
        }
        let prepared = self.opener.prepare_through(tx, wish.order.clone(), (self.dialect, wish.ends_at), origin.clone()).await?;
        let facts = match self.opener.open(tx, prepared, None).await {
            Err(Failure::Refused(error)) if error.code == ErrorCode::DuplicateOrderReference => {
                tx.undo().await?;
                return self.existing(tx, wish, &origin).await?.ok_or_else(|| error.into());
            }
            opened => opened?,
        };
        if let Some((_, url)) = &wish.webhook {
            self.bring_endpoint(tx, facts.id.as_str(), url).await?;
        }
        let number =
            if wish.is_numbered { Some(dialect::give_number(tx, &self.opener.organization_id, facts.id.as_str()).await?) } else { None };
        let shown = Shown { facts, head: None, address_mac: String::new() };
        Ok(Opened { order: Through { shown, heard: Heard::default(), number }, is_new: true })
    }
}
