DROP TABLE selfbilling_parties;
DROP TABLE selfbilling_documents;
DROP TABLE selfbilling_agreements;
DROP TABLE payment_notices;
DROP TABLE paper_letters;
DROP TABLE tax_profiles;
DROP TABLE erasures;
DROP FUNCTION keep_party();
