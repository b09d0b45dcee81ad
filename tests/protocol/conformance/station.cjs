// A station of the npm package `ocpp-rpc` in strict mode: it judges every frame by its own copy of the schemas.
// Arguments: endpoint, identity, password, subprotocol. Prints one JSON object a line: what it was told and what it heard.
const { RPCClient } = require('ocpp-rpc');
const [endpoint, identity, password, protocol] = process.argv.slice(2);
const say = (kind, value) => console.log(JSON.stringify({ kind, ...value }));
const cli = new RPCClient({ endpoint, identity, password, protocols: [protocol], strictMode: true, reconnect: false });

cli.on('strictValidationFailure', (event) => say('wrong', { error: String(event.error), message: event.message ?? null }));
cli.on('badMessage', (event) => say('wrong', { error: 'bad message', message: String(event.buffer) }));
const answers = {
    'ocpp1.6': { Reset: { status: 'Accepted' }, RemoteStopTransaction: { status: 'Accepted' }, UnlockConnector: { status: 'Unlocked' },
        ChangeAvailability: { status: 'Accepted' }, ClearCache: { status: 'Accepted' }, ChangeConfiguration: { status: 'Accepted' },
        TriggerMessage: { status: 'Accepted' }, GetConfiguration: { configurationKey: [] } },
    'ocpp2.0.1': { Reset: { status: 'Accepted' }, RequestStopTransaction: { status: 'Accepted' }, ClearCache: { status: 'Accepted' },
        ChangeAvailability: { status: 'Accepted' }, UnlockConnector: { status: 'Unlocked' }, TriggerMessage: { status: 'Accepted' },
        GetBaseReport: { status: 'NotSupported' },
        SetVariables: (p) => ({ setVariableResult: p.setVariableData.map(({ component, variable }) =>
            ({ attributeStatus: 'Accepted', component, variable })) }) },
}[protocol];
cli.handle(({ method, params }) => {
    say('heard', { method, params });
    const answer = answers[method];
    if (!answer) throw Object.assign(new Error('not here'), { rpcErrorCode: 'NotImplemented' });
    return typeof answer === 'function' ? answer(params) : answer;
});

const call = async (method, params) => say('told', { method, result: await cli.call(method, params) });
const at = (minutes) => new Date(Date.now() - (60 - minutes) * 60000).toISOString();

async function session16() {
    await call('BootNotification', { chargePointVendor: 'Npm', chargePointModel: 'Strict' });
    await call('Heartbeat', {});
    await call('StatusNotification', { connectorId: 1, errorCode: 'NoError', status: 'Preparing' });
    await call('Authorize', { idTag: '04A1B2C3D4E5F6' });
    const begun = await cli.call('StartTransaction', { connectorId: 1, idTag: '04A1B2C3D4E5F6', meterStart: 1000, timestamp: at(0) });
    say('told', { method: 'StartTransaction', result: begun });
    const transactionId = begun.transactionId;
    await call('MeterValues', { connectorId: 1, transactionId, meterValue: [{ timestamp: at(30), sampledValue: [{ value: '2000' }] }] });
    return () => call('StopTransaction', { transactionId, meterStop: 3000, timestamp: at(60), reason: 'Remote' });
}

async function session201() {
    const idToken = { idToken: '04A1B2C3D4E5F6', type: 'ISO14443' };
    const meter = (minutes, value, context) => [{ timestamp: at(minutes), sampledValue: [{ value, context }] }];
    const event = (eventType, seqNo, minutes, triggerReason, info, more) => call('TransactionEvent', {
        eventType, seqNo, timestamp: at(minutes), triggerReason, transactionInfo: { transactionId: `npm-${identity}`, ...info }, ...more });
    await call('BootNotification', { reason: 'PowerUp', chargingStation: { vendorName: 'Npm', model: 'Strict' } });
    await call('Heartbeat', {});
    await call('StatusNotification', { timestamp: at(0), connectorStatus: 'Occupied', evseId: 1, connectorId: 1 });
    await call('Authorize', { idToken });
    await event('Started', 0, 0, 'Authorized', { chargingState: 'Charging' },
        { idToken, evse: { id: 1, connectorId: 1 }, meterValue: meter(0, 1000, 'Transaction.Begin') });
    await event('Updated', 1, 30, 'MeterValuePeriodic', {}, { meterValue: meter(30, 2000, 'Sample.Periodic') });
    return () => event('Ended', 2, 60, 'RemoteStop', { stoppedReason: 'Remote' }, { meterValue: meter(60, 3000, 'Transaction.End') });
}

(async () => {
    await cli.connect();
    const end = await (protocol === 'ocpp1.6' ? session16() : session201());
    say('ready', {});
    process.stdin.once('data', async () => {
        try { await end(); } catch (error) { say('failed', { error: String(error) }); }
        await cli.close();
        process.exit(0);
    });
})().catch((error) => { say('failed', { error: String(error) }); process.exit(1); });
