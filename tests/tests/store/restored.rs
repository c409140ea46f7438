//! A backup that was restored: what happened since it was made is not in it, and its payers pay all the same. Two databases with the same
//! history up to the backup stand for the one that was lost and the one that was restored.

use std::collections::BTreeSet;
use std::time::Duration;

use payin_core::event::Who;
use payin_server::app::event_log;
use payin_server::app::pool::{self, restored::PutAway, restored::Restored};
use payin_server::app::transfers;
use payin_tests::gateway::{Kind, refusal, request};
use payin_types::transfer::UnmatchedReason;
use payin_types::{ErrorCode, ImportAddresses, ListEvents, ListTransfers, Order, OrderStatus, OrganizationId, Protocol};

use super::World;
use super::line::{Line, Sent, at};
use super::outbox::endpoint;
use super::positions;

/// m/44'/60'/0' of the mnemonic "abandon … about", whose keys everybody has.
const EVM: &str = "xpub6DCoCpSuQZB2jawqnGMEPS63ePKWkwWPH4TU45Q7LPXWuNd8TMtVxRrgjtEshuqpK3mdhaWHPFsBngh5GFZaM6si3yZdUsT8ddYM3PwnATt";

/// Up to the backup: a pool that a key fills, and an order that is open.
struct Past {
    world: World,
    organization: OrganizationId,
    open: Order,
    line: Line,
}

impl Past {
    async fn new(kind: Kind) -> Self {
        let world = World::new(kind).await;
        let organization = world.gateway.merchant(0).await;
        endpoint(&world.gateway, &organization, r#"["*"]"#).await;
        let mut line = Line::new(&world.gateway, "ethereum-sepolia").await;
        line.block(at(0), &[]).await;
        derive(&world, &organization, 4).await;
        let open = world.gateway.create(&organization, request("open")).await.unwrap();
        Self { world, organization, open, line }
    }

    async fn create(&self, reference: &str) -> Order {
        self.world.gateway.create(&self.organization, request(reference)).await.unwrap()
    }
}

async fn derive(world: &World, organization: &OrganizationId, count: u32) {
    let request = ImportAddresses::from_xpub(Protocol::Evm, EVM, count);
    world.gateway.write(pool::Import::new(&world.gateway.app, organization.clone(), Who::Operator, Ok(request))).await.unwrap();
}

pub async fn what_was_handed_out_since_a_backup_is_nobody_elses(kind: Kind) {
    let (lost, mut restored) = (Past::new(kind).await, Past::new(kind).await);
    assert_eq!(lost.open.address, restored.open.address);
    // Since the backup: all that was free then, and some that were derived later.
    derive(&lost.world, &lost.organization, 3).await;
    let mut since = BTreeSet::new();
    for n in 0..6 {
        since.insert(lost.create(&format!("since {n}")).await.address);
    }

    let gateway = restored.world.gateway.clone();
    positions::order(&gateway).await;
    let read = async |cursor: &str| event_log::after(&gateway.app, &restored.organization, cursor, ListEvents::default()).await;
    let cursor = read("beginning").await.unwrap().next_cursor;
    let put_away = gateway.write(Restored::new(&gateway.app, 10)).await.unwrap();
    assert_eq!(put_away, PutAway { addresses: 3 + 10, derived: 10 });
    let refused = gateway.create(&restored.organization, request("too soon")).await;
    assert_eq!(refusal(refused).code, ErrorCode::NoAvailableAddresses);
    derive(&restored.world, &restored.organization, 3).await;
    for n in 0..3 {
        let fresh = restored.create(&format!("fresh {n}")).await;
        assert!(!since.contains(&fresh.address), "{} was handed out since the backup", fresh.address);
    }

    // Who pays what was lost is seen, and pays for nobody; what the backup knew is paid.
    let paid = since.first().expect("an address");
    let now = restored.world.gateway.now().plus(Duration::from_secs(1));
    restored.line.block(now, &[Sent::to(paid, "100", "0x1"), Sent::pays(&restored.open, "100", "0x2")]).await;
    restored.line.blocks(3, now.plus(Duration::from_secs(1))).await;
    restored.line.settle().await;
    let shown = transfers::list(&gateway.app, &restored.organization, ListTransfers::default()).await.unwrap().data;
    let of = |tx: &str| shown.iter().find(|transfer| transfer.tx_hash.starts_with(tx)).expect("a transfer");
    assert_eq!((of("0x1").unmatched_reason.clone(), &of("0x1").order_id), (Some(UnmatchedReason::NoHolder), &None));
    assert_eq!(restored.world.fresh(&restored.organization, &restored.open).await.status, OrderStatus::Completed);

    // Nobody goes on reading events behind the place where the lost database's ended.
    positions::order(&gateway).await;
    let after = event_log::after(&gateway.app, &restored.organization, &cursor, ListEvents::default()).await;
    assert_eq!(refusal(after).code, ErrorCode::CursorUnknown);
    // Said twice, it is true once.
    assert_eq!(gateway.write(Restored::new(&gateway.app, 0)).await.unwrap(), PutAway { addresses: 0, derived: 0 });
}
