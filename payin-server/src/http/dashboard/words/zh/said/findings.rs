//! Why an order is paid or is not, in Simplified Chinese, by the finding's code and its evidence. It must not judge: what was found is given.

use payin_types::explanation::{Finding, FindingCode};

/// A finding; `None` if this version does not know its code.
pub(super) fn finding(finding: &Finding, currency: &str) -> Option<String> {
    let evidence = &finding.evidence;
    let missing = evidence.missing_amount.map(|sum| format!("，还差 {sum} {currency}")).unwrap_or_default();
    let excess = evidence.excess_amount.map(|sum| format!("，多付 {sum} {currency}")).unwrap_or_default();
    let confirmations = match (evidence.confirmations, evidence.required_confirmations) {
        (Some(have), Some(need)) => format!("（{have} / {need} 个确认）"),
        _ => String::new(),
    };
    let plain = |text: &str| Some(text.to_owned());
    match finding.code {
        FindingCode::Paid => plain("已足额到账并确认，订单已完成。"),
        FindingCode::Overpaid => Some(format!("到账金额超过应付金额{excess}。款项在您自己的地址上：可手动入账或退回。")),
        FindingCode::Reverted => Some(format!("已确认的付款被链上撤回{missing}。如果付款恢复，订单会再次完成。")),
        FindingCode::ExpiredUnpaid => plain("订单在规定时间内未足额付款，已过期。"),
        FindingCode::ChainUnfollowed => plain("此服务器目前未同步该网络，看不到付款。在此期间不会确认付款，订单也不会过期。"),
        FindingCode::ChainHalted => plain("该网络已停止同步，须人工检查。在此期间不会确认付款，订单也不会过期。"),
        FindingCode::ChainStale => plain("该网络的最新区块较旧。在此期间不会确认付款，订单也不会过期。"),
        FindingCode::ChainDegraded => plain("该网络同步暂时失败，正在重试。在此期间不会确认付款，订单也不会过期。"),
        FindingCode::ChainGap => plain("该网络有部分区块尚未检查，其中可能有付款。订单不会因此过期。"),
        FindingCode::BlocksLost => plain("此订单期间的部分区块已被标记为丢失，其中的付款无法得知。"),
        FindingCode::Confirming => Some(format!("付款已检测到，等待确认{confirmations}。")),
        FindingCode::Resting => plain("付款已检测到，等待其区块最终确定。"),
        FindingCode::Agreeing => plain("付款金额较大，等待第二个节点核实。"),
        FindingCode::Short => Some(format!("到账金额不足{missing}。")),
        FindingCode::WrongToken => plain("收到了其他代币，不计入此订单。款项在您自己的地址上：可手动入账或退回。"),
        FindingCode::WrongChain => plain("在其他网络上收到了款项，不计入此订单。款项在您自己的地址上：可手动入账或退回。"),
        FindingCode::Late => plain("款项到得太晚，不计入此订单。款项在您自己的地址上：可手动入账或退回。"),
        FindingCode::TakenBack => plain("转账已被链上撤回，目前不存在。如果恢复，会重新检查。"),
        FindingCode::NothingSeen => plain("尚未看到付款。"),
        FindingCode::WindowOpen => plain("仍在付款时限内，付款人可以付款。"),
        FindingCode::GracePeriod => plain("付款时限已过，宽限时间内到账仍然有效。"),
        FindingCode::WindowOver => plain("时间已到，正在等待该网络的区块时间跟上。"),
        FindingCode::Dust => plain("有金额极小的转账，未单独列出。"),
        FindingCode::MoreTransfers => plain("还有更多转账未在此列出。"),
        _ => None,
    }
}
