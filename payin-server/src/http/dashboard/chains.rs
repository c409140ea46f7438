//! The chains: how following each of them goes, what is missing, and how their nodes do.

use axum::response::Response;
use payin_core::access::Permission;
use payin_types::followed::{ChainNode, FollowedChain};

use super::member::Member;
use super::view::{Block, Cell, Table};
use super::words::Words;
use super::{lists, said};
use crate::app::{App, chains};
use crate::http::answer::Reject;

/// `GET /dashboard/chains`
pub async fn list(member: Member) -> Result<Response, Reject> {
    member.may(Permission::ViewData)?;
    let t = member.t;
    let chains = chains::list(member.app(), member.organization()).await?.data;
    let head = vec![t.network, t.status, t.newest_block, t.behind_by, t.final_block, t.holes];
    let rows = chains.iter().map(|chain| row(t, chain)).collect();
    let mut page = member.page(t.chains).with(Block::Table(Table { name: t.chains.to_owned(), head, rows, empty: t.nothing }));
    for chain in &chains {
        page = page.with(Block::Heading(payin_core::checkout::network(&chain.chain_id))).with(Block::Fields(facts(t, member.app(), chain)));
        if let Some(nodes) = &chain.nodes {
            page = page.with(Block::Table(nodes_table(t, nodes)));
        }
    }
    Ok(page.answer(None))
}

fn number(value: Option<u64>) -> Cell {
    value.map_or_else(|| Cell::text("–"), Cell::number)
}

fn row(t: &'static Words, chain: &FollowedChain) -> Vec<Cell> {
    vec![
        Cell::text(payin_core::checkout::network(&chain.chain_id)),
        lists::status(t, chain.status.as_str()),
        number(chain.head_number),
        chain.lag_seconds.map_or_else(|| Cell::text("–"), |seconds| Cell::number(format!("{seconds} s"))),
        number(chain.finalized_number),
        Cell::number(chain.holes.len()),
    ]
}

fn facts(t: &'static Words, app: &App, chain: &FollowedChain) -> Vec<(String, Cell)> {
    let fact = |label: &str, cell: Cell| (label.to_owned(), cell);
    let mut facts = vec![
        fact(t.status, Cell::text(said::plain(&app.chains, &said::text(t, &chain.message)))),
        fact(t.id, Cell::code(chain.chain_id.as_str())),
        fact(t.confirmations, Cell::number(chain.required_confirmations)),
    ];
    for token in &chain.tokens {
        facts.push(fact(token.currency.as_str(), Cell::code(&token.contract_address)));
        facts.extend(token.stopped.as_ref().map(|reason| fact(t.stopped, Cell::text(reason))));
    }
    facts.extend(chain.head_time.map(|at| fact(t.head_time, Cell::time(at))));
    facts.extend(chain.holes.iter().map(|hole| fact(t.holes, Cell::number(format!("{} – {}", hole.from_number, hole.to_number)))));
    let lost = |from: u64, to: u64, reason: &str| format!("{from} – {to}: {reason}");
    facts.extend(chain.lost.iter().map(|one| fact(t.lost_blocks, Cell::text(lost(one.from_number, one.to_number, &one.reason)))));
    facts.extend(chain.last_reconciliation.as_ref().map(|last| {
        let text = format!("{} – {}: {} {}", last.from_number, last.to_number, last.difference_count, t.differences);
        fact(t.reconciled, Cell::text(text))
    }));
    facts
}

fn nodes_table(t: &'static Words, nodes: &[ChainNode]) -> Table {
    let row = |node: &ChainNode| {
        vec![
            Cell::number(node.number),
            if node.answers { Cell::badge(t.answers, "good") } else { Cell::badge(t.silent, "bad") },
            node.took_ms.map_or_else(|| Cell::text("–"), |ms| Cell::number(format!("{ms} ms"))),
            number(node.height),
            Cell::maybe_time(node.answered_at),
            Cell::maybe(node.fault.as_deref()),
        ]
    };
    let head = vec![t.node, t.status, t.took, t.newest_block, t.answered_at, t.fault];
    Table { name: t.node.to_owned(), head, rows: nodes.iter().map(row).collect(), empty: t.nothing }
}
