//! What a person does about money: the chain held against the database, and a chain that took back what was final.

use payin_tests::merchant::Engine;
use payin_tests::nodes::program::Exit;
use serde_json::Value;

use super::world::{USDT, World, address, part};

const CHAIN: &str = "ethereum-sepolia";
/// Whose payments are dropped.
const DROPPED: usize = 1;

async fn is_final(world: &World, block: u64) {
    let is = |chain: &Value| chain["finalizedNumber"].as_u64() >= Some(block);
    world.merchant.chain_when(&format!("final up to block {block}"), is).await;
}

pub async fn differences_are_found(engine: Engine) {
    let world = World::start(engine, 1).await;
    let order = world.order("COMPARED").await;
    // Blocks tell whole seconds: what is paid in the second of the import may have been sent before the address was ours.
    world.anvil.increase_time(5).await;
    let transaction = world.anvil.transfer(&world.usdt, address(&order), 100 * USDT).await;
    world.anvil.mine(5).await;
    world.completed_once(&order, &transaction, "100.00").await;
    is_final(&world, world.block_of(&transaction).await).await;
    let reconcile = async || world.merchant.beside(&["reconcile", "--chain", CHAIN]).await;

    part("they agree");
    let exit = reconcile().await;
    assert_eq!((exit.code, exit.stdout.as_str()), (Some(0), ""), "{exit:?}");
    assert!(exit.stderr.contains("1 transfers, 0 differences"), "{exit:?}");

    let differs = |exit: &Exit, says: &str| {
        let found = exit.stdout.lines().count() == 1 && exit.stdout.contains(&transaction) && exit.stdout.contains(says);
        assert!(exit.code == Some(1) && found && exit.stderr.contains("differ in 1 transfers"), "no {says:?}: {exit:?}");
    };
    part("an altered amount");
    let place = world.merchant.place();
    assert_eq!(place.execute("UPDATE transfers SET amount_whole = 99").await, 1);
    differs(&reconcile().await, "amount");
    part("a transfer that the chain does not have");
    place.execute("UPDATE transfers SET amount_whole = 100, tx_hash = '0x00'").await;
    let exit = reconcile().await;
    assert!(exit.code == Some(1) && exit.stdout.contains("was recorded, and the chain does not have it"), "{exit:?}");
    assert_eq!(exit.stdout.lines().count(), 2, "and one that was not recorded: {exit:?}");
    part("a deleted transfer");
    assert_eq!(place.execute("DELETE FROM transfers").await, 1);
    differs(&reconcile().await, "100.00 USDT to");
    part("what cannot be compared");
    let exit = world.merchant.beside(&["reconcile", "--chain", CHAIN, "--to", "99999999"]).await;
    assert!(exit.code == Some(1) && exit.stderr.contains("is not final yet"), "{exit:?}");
    assert!(!exit.stderr.contains(world.anvil.url()), "{exit:?}");
}

pub async fn a_chain_that_took_back_final_blocks_goes_on(engine: Engine) {
    let world = World::start(engine, 1).await;
    world.fund(DROPPED).await;
    let order = world.order("TAKEN-BACK").await;
    let transaction = world.pay_from(DROPPED, &order, 100 * USDT).await;
    world.anvil.mine(5).await;
    world.completed_once(&order, &transaction, "100.00").await;
    let block = world.block_of(&transaction).await;
    is_final(&world, block).await;

    part("halted");
    let exit = world.merchant.beside(&["chains", "halted"]).await;
    assert_eq!((exit.code, exit.stdout.as_str()), (Some(0), ""), "{exit:?}");
    let depth = world.anvil.head().await.number - block + 1;
    world.anvil.reorg(depth, &[]).await;
    let is_halted = |chain: &Value| chain["status"] == "halted";
    world.merchant.chain_when("halted", is_halted).await;
    let exit = world.merchant.beside(&["chains", "halted"]).await;
    assert!(exit.code == Some(0) && exit.stdout.starts_with(CHAIN) && exit.stdout.contains("was final"), "{exit:?}");

    part("what is refused");
    let resume = async |args: &[&str]| world.merchant.beside(&[&["chains", "resume", "--chain", CHAIN], args].concat()).await;
    for (args, says) in [(&["--from-block", "1"][..], "--yes"), (&["--from-block", "99999999", "--yes"][..], "--from-block must be 1 to")] {
        let exit = resume(args).await;
        assert!(exit.code == Some(1) && exit.stderr.contains("was halted at block") && exit.stderr.contains(says), "{exit:?}");
    }
    world.merchant.chain_when("halted still", is_halted).await;

    part("from too high a block");
    let exit = resume(&["--from-block", &(block + 1).to_string(), "--yes"]).await;
    assert_eq!(exit.code, Some(0), "{exit:?}");
    let again = |chain: &Value| is_halted(chain) && chain["message"].as_str().is_some_and(|message| message.contains("parted below"));
    world.merchant.chain_when("halted again", again).await;
    assert_eq!(world.merchant.about(&order, "order.reverted"), Vec::<Value>::new());

    part("from where the chain parted");
    let exit = resume(&["--from-block", &block.to_string(), "--yes"]).await;
    assert!(exit.code == Some(0) && exit.stderr.contains("1 recorded transfers") && exit.stderr.contains("100.00 USDT"), "{exit:?}");
    let reverted = world.merchant.webhook(&order, "order.reverted").await;
    assert_eq!(reverted["data"]["receivedAmount"], "0.00", "{reverted:#}");
    world.merchant.chain_when("followed again", |chain| chain["status"] == "following").await;
    assert_eq!(world.received(&order, "0.00").await["status"], "completed");
    let exit = resume(&["--yes"]).await;
    assert!(exit.code == Some(1) && exit.stderr.contains("is not halted"), "{exit:?}");

    part("paid again");
    let again = world.pay_from(DROPPED, &order, 100 * USDT).await;
    world.confirm().await;
    assert_eq!(world.received(&order, "100.00").await["txHash"], again.as_str());
    assert_eq!(world.merchant.event_ids_when(&order, "order.completed", 2).await.len(), 2);
}
