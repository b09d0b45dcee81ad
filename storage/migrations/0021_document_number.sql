-- Numbers stay unique in their series; but beside its key no index of a table begins with the tenant (0002 says why).

ALTER TABLE document DROP CONSTRAINT document_tenant_series_number_key;
CREATE UNIQUE INDEX document_number ON document (series, number, tenant);
