//! Why an order is paid or is not, in Simplified Chinese, by the finding's code and its evidence. It must not judge: what was found is given.

use payin_core::checkout::network;
use payin_types::explanation::{Evidence, ExplainedTransfer, Finding, FindingCode};

use crate::http::page::Moment;

/// Transfers named before the rest is only counted.
const NAMED: usize = 3;

/// A finding; `None` if this version does not know its code.
pub(super) fn finding(finding: &Finding, currency: &str) -> Option<String> {
    let evidence = &finding.evidence;
    let missing = evidence.missing_amount.map(|sum| format!("，还差 {sum} {currency}")).unwrap_or_default();
    let excess = evidence.excess_amount.map(|sum| format!("，多付 {sum} {currency}")).unwrap_or_default();
    let until = evidence.until.map(|at| format!("（截止 {}）", Moment::exact(at).text)).unwrap_or_default();
    let confirmations = match (evidence.confirmations, evidence.required_confirmations) {
        (Some(have), Some(need)) => format!("（{have} / {need} 个确认）"),
        _ => String::new(),
    };
    let said = match finding.code {
        FindingCode::Paid => "已足额到账并确认，订单已完成。".to_owned(),
        FindingCode::Overpaid => format!("到账金额超过应付金额{excess}。款项在您自己的地址上：可手动入账或退回。"),
        FindingCode::Reverted => format!("已确认的付款被链上撤回{missing}。如果付款恢复，订单会再次完成。"),
        FindingCode::ExpiredUnpaid => format!("订单在规定时间内{until}未足额付款{missing}，已过期。"),
        FindingCode::Confirming => format!("付款已检测到，等待确认{confirmations}。"),
        FindingCode::Resting => "付款已检测到，等待其区块最终确定。".to_owned(),
        FindingCode::Agreeing => "付款金额较大，等待第二个节点核实。".to_owned(),
        FindingCode::Short => format!("到账金额不足{missing}。"),
        FindingCode::WrongToken => "收到了其他代币，不计入此订单。款项在您自己的地址上：可手动入账或退回。".to_owned(),
        FindingCode::WrongChain => "在其他网络上收到了款项，不计入此订单。款项在您自己的地址上：可手动入账或退回。".to_owned(),
        FindingCode::Late => "款项到得太晚，不计入此订单。款项在您自己的地址上：可手动入账或退回。".to_owned(),
        FindingCode::TakenBack => "转账已被链上撤回，目前不存在。如果恢复，会重新检查。".to_owned(),
        FindingCode::NothingSeen => "尚未看到付款。".to_owned(),
        FindingCode::WindowOpen => format!("仍在付款时限内{until}，付款人可以付款。"),
        FindingCode::GracePeriod => format!("付款时限已过，宽限时间内{until}到账仍然有效。"),
        FindingCode::WindowOver => format!("时间已到{until}，正在等待该网络的区块时间跟上。"),
        FindingCode::Dust => "有金额极小的转账，未单独列出。".to_owned(),
        FindingCode::MoreTransfers => "还有更多转账未在此列出。".to_owned(),
        ref code => of_chain(code)?.to_owned(),
    };
    Some(said + &transfers(evidence))
}

/// What keeps an order's chain from being followed.
fn of_chain(code: &FindingCode) -> Option<&'static str> {
    Some(match code {
        FindingCode::ChainUnfollowed => "此服务器目前未同步该网络，看不到付款。在此期间不会确认付款，订单也不会过期。",
        FindingCode::ChainHalted => "该网络已停止同步，须人工检查。在此期间不会确认付款，订单也不会过期。",
        FindingCode::ChainStale => "该网络的最新区块较旧。在此期间不会确认付款，订单也不会过期。",
        FindingCode::ChainDegraded => "该网络同步暂时失败，正在重试。在此期间不会确认付款，订单也不会过期。",
        FindingCode::ChainGap => "该网络有部分区块尚未检查，其中可能有付款。订单不会因此过期。",
        FindingCode::BlocksLost => "此订单期间的部分区块已被标记为丢失，其中的付款无法得知。",
        _ => return None,
    })
}

/// The transfers that a finding rests on: how much, where, in which transaction, and how much too late.
fn transfers(evidence: &Evidence) -> String {
    let one = |transfer: &ExplainedTransfer| {
        let late = transfer.late_by_seconds.map(|seconds| format!("，迟到 {} 分 {} 秒", seconds / 60, seconds % 60)).unwrap_or_default();
        let at = network(&transfer.chain_id);
        format!("{} {}（{at}，交易 {}{late}）", transfer.amount, transfer.currency, transfer.tx_hash)
    };
    let named: Vec<String> = evidence.transfers.iter().take(NAMED).map(one).collect();
    let more = evidence.transfers.len().saturating_sub(NAMED);
    match (named.is_empty(), more) {
        (true, _) => String::new(),
        (false, 0) => format!("相关转账：{}。", named.join("；")),
        (false, more) => format!("相关转账：{}；另有 {more} 笔。", named.join("；")),
    }
}
