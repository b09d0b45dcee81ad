"""The pay pages in German: English text -> German text. What stands in braces is filled in."""

GERMAN: dict[str, str] = {
    # The frame
    "Charging": "Laden",
    "Language": "Sprache",
    "Skip to the content": "Zum Inhalt springen",
    # The charging point
    "Charging at {name}": "Laden an {name}",
    "Charging point {name}": "Ladepunkt {name}",
    "Charging at {name}: hold, not the price": "Laden an {name}: Vormerkung, nicht der Preis",
    "State now": "Zustand jetzt",
    "Free": "Frei",
    "Occupied": "Belegt",
    "Somebody is paying": "Jemand bezahlt gerade",
    "Reserved": "Reserviert",
    "Out of order": "Gestört",
    "Not available": "Nicht verfügbar",
    "Not connected": "Nicht verbunden",
    "State not known": "Zustand unbekannt",
    "your cable is plugged in": "Ihr Kabel steckt",
    "Code on the station": "Code an der Säule",
    "Station": "Ladestation",
    "connector {n}": "Anschluss {n}",
    "connectors {list}": "Anschlüsse {list}",
    "Place": "Ort",
    "Power": "Leistung",
    "up to {power}": "bis {power}",
    "not stated": "nicht angegeben",
    "Somebody is charging here. When the place is free again, load this page again.": (
        "Hier lädt gerade jemand. Laden Sie diese Seite neu, wenn der Platz wieder frei ist."
    ),
    "Somebody has just paid for this place and is about to start. Please choose another one, or try again in a few minutes.": (
        "Jemand hat gerade für diesen Platz bezahlt und beginnt gleich. Bitte wählen Sie einen anderen oder versuchen Sie es "
        "in einigen Minuten noch einmal."
    ),
    "This place is reserved for somebody. Please choose another one.": (
        "Dieser Platz ist für jemanden reserviert. Bitte wählen Sie einen anderen."
    ),
    "This place reports a fault and cannot charge. Please choose another one.": (
        "Dieser Platz meldet eine Störung und kann nicht laden. Bitte wählen Sie einen anderen."
    ),
    "This place is out of service. Please choose another one.": (
        "Dieser Platz ist außer Betrieb. Bitte wählen Sie einen anderen."
    ),
    "The station is not connected to us right now, so a charge could not be started. No payment is offered. Please choose another one, or try again later.": (  # noqa: E501
        "Die Ladestation ist gerade nicht mit uns verbunden, ein Ladevorgang ließe sich nicht starten. Deshalb wird keine "
        "Zahlung angeboten. Bitte wählen Sie eine andere oder versuchen Sie es später noch einmal."
    ),
    "The station has not told us its state yet. Please try again in a moment.": (
        "Die Ladestation hat ihren Zustand noch nicht gemeldet. Bitte versuchen Sie es gleich noch einmal."
    ),
    "Charging is free here: there is nothing to pay. Please follow what the station shows.": (
        "Das Laden ist hier kostenlos, es ist nichts zu bezahlen. Bitte folgen Sie den Hinweisen der Ladestation."
    ),
    "Payment by card is not available at this place. Please ask the helpline, or choose another place.": (
        "Kartenzahlung ist an diesem Platz nicht möglich. Bitte fragen Sie die Hotline oder wählen Sie einen anderen Platz."
    ),
    "There is no price for charging without a contract at this place, so it cannot be paid here.": (
        "Für das Laden ohne Vertrag gibt es an diesem Platz keinen Preis, deshalb kann hier nicht bezahlt werden."
    ),
    # Price
    "Price": "Preis",
    "Prices": "Preise",
    "Energy": "Energie",
    "Charging time": "Ladezeit",
    "Occupancy fee": "Blockiergebühr",
    "Per charge": "Je Ladevorgang",
    "Reservation": "Reservierung",
    "Reservation not used": "Reservierung nicht genutzt",
    "At least per charge": "Mindestens je Ladevorgang",
    "At most per charge": "Höchstens je Ladevorgang",
    "per kWh": "je kWh",
    "per minute": "je Minute",
    "per hour": "je Stunde",
    "per charge": "je Ladevorgang",
    "only while the vehicle takes no more power by its own choice": (
        "nur solange das Fahrzeug von sich aus keinen Strom mehr nimmt"
    ),
    "counted in steps of {size}": "gezählt in Schritten von {size}",
    "including {rate} VAT": "einschließlich {rate} USt.",
    "Monday": "Montag",
    "Tuesday": "Dienstag",
    "Wednesday": "Mittwoch",
    "Thursday": "Donnerstag",
    "Friday": "Freitag",
    "Saturday": "Samstag",
    "Sunday": "Sonntag",
    "from {since} to {until}": "von {since} bis {until} Uhr",
    "from {low} to {high}": "von {low} bis {high}",
    "from {low} on": "ab {low}",
    "up to {high}": "bis {high}",
    "of energy": "Energie",
    "after the start": "nach dem Start",
    "of power": "Leistung",
    "of current": "Stromstärke",
    "All prices are final prices, taxes included. You pay what the meter measured, to the exact amount.": (
        "Alle Preise sind Endpreise einschließlich Steuern. Sie zahlen genau, was der Zähler gemessen hat."
    ),
    "The occupancy fee runs only while the vehicle is full or wants no more power, never while the station or the grid holds power back.": (  # noqa: E501
        "Die Blockiergebühr läuft nur, solange das Fahrzeug voll ist oder keinen Strom mehr will, nie solange die Station "
        "oder das Netz den Strom zurückhält."
    ),
    "It begins {time} after the start at the earliest.": "Sie beginnt frühestens {time} nach dem Start.",
    "It is at most {amount} per charge.": "Sie beträgt höchstens {amount} je Ladevorgang.",
    "It ends when the vehicle is unplugged, and you never pay more than what is held.": (
        "Sie endet, wenn das Fahrzeug abgesteckt wird, und Sie zahlen nie mehr als den vorgemerkten Betrag."
    ),
    # Hold
    "What is held on your card": "Was auf Ihrer Karte vorgemerkt wird",
    "are held on your card. This is not the price: you pay only what you charge, never more than this.": (
        "werden auf Ihrer Karte vorgemerkt. Das ist nicht der Preis: Sie zahlen nur, was Sie laden, nie mehr als diesen Betrag."
    ),
    "Charging stops by itself when the cost reaches {amount}.": (
        "Das Laden endet von selbst, wenn die Kosten {amount} erreichen."
    ),
    "By this tariff the cost cannot exceed {amount}.": "Nach diesem Tarif können die Kosten {amount} nicht übersteigen.",
    "The rest is released at once when charging has ended; your bank may take some days to show it. If charging does not start, all of it is released.": (  # noqa: E501
        "Der Rest wird sofort freigegeben, wenn das Laden beendet ist; bis Ihre Bank das anzeigt, kann es einige Tage dauern."
        " Startet das Laden nicht, wird alles freigegeben."
    ),
    # Seller
    "Who sells": "Wer verkauft",
    "Who sold": "Wer verkauft hat",
    "VAT id": "USt-IdNr.",
    "Helpline": "Hotline",
    "This page and the payment are provided on behalf of the seller.": (
        "Diese Seite und die Zahlung werden im Auftrag des Verkäufers bereitgestellt."
    ),
    "Kind of energy": "Art des Stroms",
    "100 % from renewable sources": "100 % aus erneuerbaren Quellen",
    "not only from renewable sources": "nicht nur aus erneuerbaren Quellen",
    "no statement": "keine Angabe",
    "Checking the meter": "Zähler prüfen",
    "Where the meter signs its readings, the receipt has them and the meter's public key: with free transparency software you can check that they are genuine.": (  # noqa: E501
        "Wo der Zähler seine Werte signiert, stehen sie mit seinem öffentlichen Schlüssel im Beleg: mit kostenloser "
        "Transparenzsoftware können Sie prüfen, dass sie echt sind."
    ),
    "Public keys": "Öffentliche Schlüssel",
    "Complaints": "Beschwerden",
    "Legal texts": "Rechtliches",
    "Terms": "AGB",
    "Privacy notice": "Datenschutz",
    # Order
    "Order": "Bestellung",
    "You may withdraw from a contract made at a distance within 14 days. By beginning to charge now you ask for the service before that time is over; once it has been performed in full, the right of withdrawal ends. For what you have charged until a withdrawal you owe its price.": (  # noqa: E501
        "Einen im Fernabsatz geschlossenen Vertrag können Sie binnen 14 Tagen widerrufen. Indem Sie jetzt laden, verlangen "
        "Sie die Leistung vor Ablauf dieser Frist; ist sie vollständig erbracht, erlischt das Widerrufsrecht. Was Sie bis zu "
        "einem Widerruf geladen haben, ist zu bezahlen."
    ),
    "I ask you to begin at once, and I know that my right of withdrawal ends when the charge has been performed in full.": (
        "Ich verlange, dass Sie sofort beginnen, und weiß, dass mein Widerrufsrecht mit vollständiger Erfüllung erlischt."
    ),
    "By ordering you accept the terms.": "Mit der Bestellung nehmen Sie die AGB an.",
    "Order with obligation to pay": "Zahlungspflichtig bestellen",
    "Next comes the page of our payment provider; your bank may ask you to confirm. No account, no app and no e-mail address is needed.": (  # noqa: E501
        "Danach kommt die Seite unseres Zahlungsdienstleisters; Ihre Bank kann eine Bestätigung verlangen. Sie brauchen kein "
        "Konto, keine App und keine E-Mail-Adresse."
    ),
    "The price has changed since you opened this page. Please look at it again before you order.": (
        "Der Preis hat sich geändert, seit Sie diese Seite geöffnet haben. Bitte sehen Sie ihn noch einmal an, bevor Sie "
        "bestellen."
    ),
    "This page was open for a long time. Please look at the price again before you order.": (
        "Diese Seite war lange offen. Bitte sehen Sie den Preis noch einmal an, bevor Sie bestellen."
    ),
    "This form could not be read. Please look at the price again before you order.": (
        "Dieses Formular war nicht lesbar. Bitte sehen Sie den Preis noch einmal an, bevor Sie bestellen."
    ),
    "Please tick the box about the start before you order.": "Bitte kreuzen Sie das Feld zum Beginn an, bevor Sie bestellen.",
    "Your order is placed": "Ihre Bestellung ist eingegangen",
    "You now go to the payment page of our payment provider.": (
        "Sie kommen jetzt zur Zahlungsseite unseres Zahlungsdienstleisters."
    ),
    "To the payment": "Zur Zahlung",
    "Payment": "Zahlung",
    # The stages of a payment
    "Opening the payment page": "Die Zahlungsseite wird geöffnet",
    "Waiting for your payment": "Warten auf Ihre Zahlung",
    "Your payment is being checked": "Ihre Zahlung wird geprüft",
    "The station is starting": "Die Station startet",
    "Charging is being stopped": "Das Laden wird beendet",
    "Charging has ended": "Das Laden ist beendet",
    "Charging has ended; the bill takes longer": "Das Laden ist beendet; die Abrechnung dauert länger",
    "Receipt": "Beleg",
    "Receipt, partly refunded": "Beleg, teilweise erstattet",
    "Receipt, refunded": "Beleg, erstattet",
    "This card cannot be used here now": "Diese Karte kann hier gerade nicht benutzt werden",
    (
        "This card has reserved this place again and again within the last hour, and no charge began. So that others can charge "
        "here, it is not reserved once more."
    ): (
        "Mit dieser Karte wurde der Platz in der letzten Stunde immer wieder reserviert, ohne dass ein Ladevorgang begann. Damit "
        "andere hier laden können, wird er nicht noch einmal reserviert."
    ),
    "Please use another charging point, or try again in an hour. If the station does not start for you, call the helpline.": (
        "Bitte nehmen Sie einen anderen Ladepunkt, oder versuchen Sie es in einer Stunde noch einmal. Wenn die Station bei Ihnen "
        "nicht startet, rufen Sie die Hotline an."
    ),
    "Please wait a moment before you pay": "Bitte warten Sie einen Moment, bevor Sie bezahlen",
    (
        "From your connection, or at this charging point, very many payments have been begun. Nothing was charged. Please try "
        "again in {n} minutes, or with another connection (mobile data instead of Wi-Fi)."
    ): (
        "Über Ihre Verbindung oder an diesem Ladepunkt wurden sehr viele Zahlungen begonnen. Es wurde nichts abgebucht. Bitte "
        "versuchen Sie es in {n} Minuten noch einmal, oder mit einer anderen Verbindung (mobile Daten statt WLAN)."
    ),
    "Receipt, payment disputed": "Beleg, Zahlung bestritten",
    "{amount} more than this charge cost were taken from your card by mistake. They go back to it.": (
        "Von Ihrer Karte wurden versehentlich {amount} mehr abgebucht, als dieser Ladevorgang gekostet hat. Sie werden erstattet."
    ),
    "{amount} were taken from your card by mistake. They go back to it.": (
        "Von Ihrer Karte wurden versehentlich {amount} abgebucht. Sie werden erstattet."
    ),
    "The payment was not finished": "Die Zahlung wurde nicht abgeschlossen",
    "You have cancelled": "Sie haben abgebrochen",
    "Your bank did not confirm the payment": "Ihre Bank hat die Zahlung nicht bestätigt",
    "The payment did not work": "Die Zahlung hat nicht geklappt",
    "Somebody else was faster": "Jemand anderes war schneller",
    "The charging point cannot be used": "Der Ladepunkt ist nicht nutzbar",
    "Charging did not start": "Das Laden ist nicht gestartet",
    "You pay nothing": "Sie zahlen nichts",
    "You pay nothing for now": "Sie zahlen vorerst nichts",
    "Station {station}, EVSE {evse}": "Ladestation {station}, EVSE {evse}",
    "The payment provider is being asked for its page. This takes longer than usual; nothing was charged.": (
        "Die Seite des Zahlungsdienstleisters wird angefordert. Das dauert länger als sonst; es wurde nichts abgebucht."
    ),
    "As soon as the payment provider tells us that {amount} are held, the station starts.": (
        "Sobald der Zahlungsdienstleister meldet, dass {amount} vorgemerkt sind, startet die Station."
    ),
    "You left the payment page. Nothing was paid.": "Sie haben die Zahlungsseite verlassen. Es wurde nichts bezahlt.",
    "{amount} are held. We check your bank's confirmation and whether the place is still free.": (
        "{amount} sind vorgemerkt. Wir prüfen die Bestätigung Ihrer Bank und ob der Platz noch frei ist."
    ),
    "Please plug in the vehicle now, if you have not yet.": (
        "Bitte stecken Sie das Fahrzeug jetzt an, falls noch nicht geschehen."
    ),
    "The station has been told to start. If nothing happens within a few minutes, the {amount} that are held are released by themselves.": (  # noqa: E501
        "Die Station hat den Startbefehl. Geschieht in einigen Minuten nichts, werden die vorgemerkten {amount} von selbst "
        "freigegeben."
    ),
    "Stop charging": "Laden beenden",
    "The station has been told to stop. This can take half a minute.": (
        "Die Station hat den Befehl zum Beenden. Das kann eine halbe Minute dauern."
    ),
    "Ask the station again": "Noch einmal beenden",
    "{amount} are held. Charging stops by itself when the cost reaches {limit}.": (
        "{amount} sind vorgemerkt. Das Laden endet von selbst, wenn die Kosten {limit} erreichen."
    ),
    "Keep the address of this page: your receipt will be here.": (
        "Bewahren Sie die Adresse dieser Seite auf: hier kommt Ihr Beleg."
    ),
    "The final amount is being taken from what is held, the rest is released. Your receipt appears here.": (
        "Der Endbetrag wird vom vorgemerkten Betrag abgebucht, der Rest freigegeben. Ihr Beleg erscheint hier."
    ),
    "Until then {amount} are held: an authorisation, not a payment.": (
        "Bis dahin sind {amount} vorgemerkt: eine Autorisierung, keine Zahlung."
    ),
    "Somebody has to look at this charge before it is billed. You will not pay more than {amount}; the receipt will be on this page.": (  # noqa: E501
        "Diesen Ladevorgang muss sich jemand ansehen, bevor er abgerechnet wird. Sie zahlen nicht mehr als {amount}; der "
        "Beleg kommt auf diese Seite."
    ),
    "The payment was not finished in time. Nothing was charged.": (
        "Die Zahlung wurde nicht rechtzeitig abgeschlossen. Es wurde nichts abgebucht."
    ),
    "Nothing was charged. If something was held, it is released.": (
        "Es wurde nichts abgebucht. War etwas vorgemerkt, wird es freigegeben."
    ),
    "Your bank did not confirm that it was you who paid, so we did not start. Nothing was charged; what was held is released.": (
        "Ihre Bank hat nicht bestätigt, dass Sie es waren, deshalb haben wir nicht gestartet. Es wurde nichts abgebucht; was "
        "vorgemerkt war, wird freigegeben."
    ),
    "The payment was refused, or the payment provider could not be reached. Nothing was charged.": (
        "Die Zahlung wurde abgelehnt, oder der Zahlungsdienstleister war nicht erreichbar. Es wurde nichts abgebucht."
    ),
    "Another driver paid for this place a moment before you. Nothing was charged; the {amount} that were held are released.": (
        "Jemand anderes hat einen Augenblick vor Ihnen für diesen Platz bezahlt. Es wurde nichts abgebucht; die vorgemerkten "
        "{amount} werden freigegeben."
    ),
    "While you paid, the place stopped being usable. Nothing was charged; the {amount} that were held are released.": (
        "Während Sie bezahlt haben, ist der Platz unbenutzbar geworden. Es wurde nichts abgebucht; die vorgemerkten {amount} "
        "werden freigegeben."
    ),
    "Nothing was charged; the {amount} that were held are released.": (
        "Es wurde nichts abgebucht; die vorgemerkten {amount} werden freigegeben."
    ),
    "The station refused to start.": "Die Station hat den Start abgelehnt.",
    "The station was not connected when it was to start.": "Die Station war nicht verbunden, als sie starten sollte.",
    "No vehicle was plugged in in time, or the station did not answer.": (
        "Es wurde nicht rechtzeitig ein Fahrzeug angesteckt, oder die Station hat nicht geantwortet."
    ),
    "The station did not begin to charge.": "Die Station hat nicht mit dem Laden begonnen.",
    "For this charge nothing is taken from your card. What was held is released.": (
        "Für diesen Ladevorgang wird nichts von Ihrer Karte abgebucht. Was vorgemerkt war, wird freigegeben."
    ),
    "The hold on your card ended before the charge could be billed. Nothing was taken from your card.": (
        "Die Vormerkung auf Ihrer Karte endete, bevor abgerechnet werden konnte. Von Ihrer Karte wurde nichts abgebucht."
    ),
    "Cancel": "Abbrechen",
    "Back to the charging point": "Zurück zum Ladepunkt",
    "Load again": "Neu laden",
    "The connection is interrupted; what you see may be old.": "Die Verbindung ist unterbrochen; die Anzeige kann veraltet sein.",
    "Time": "Zeit",
    "Cost": "Kosten",
    "The station could not be asked to stop. Please try again.": (
        "Die Station konnte nicht zum Beenden aufgefordert werden. Bitte versuchen Sie es noch einmal."
    ),
    "This can no longer be cancelled.": "Das lässt sich nicht mehr abbrechen.",
    # The receipt
    "Receipt for a charge": "Beleg über einen Ladevorgang",
    "Least price of the tariff": "Mindestpreis des Tarifs",
    "Highest price of the tariff": "Höchstpreis des Tarifs",
    "Rounding": "Rundung",
    "Waived by the seller": "Vom Verkäufer erlassen",
    "Receipt as PDF": "Beleg als PDF",
    "Duration": "Dauer",
    "Paid": "Bezahlt",
    "Paid on": "Bezahlt am",
    "Amount": "Betrag",
    "Cost of the charge": "Kosten des Ladevorgangs",
    "Paid by card": "Mit Karte bezahlt",
    "of it {rate} VAT on {gross}": "darin {rate} USt. aus {gross}",
    "Refund under way": "Erstattung läuft",
    "Refunded": "Erstattet",
    "{amount} were held; the rest has been released.": "{amount} waren vorgemerkt; der Rest ist freigegeben.",
    "Charge": "Ladevorgang",
    "Start": "Beginn",
    "End": "Ende",
    "Meter reading at the start": "Zählerstand am Anfang",
    "Meter reading at the end": "Zählerstand am Ende",
    "Receipt number": "Belegnummer",
    "Payment reference": "Zahlungsreferenz",
    "Session": "Vorgang",
    "Signed meter values": "Signierte Messwerte",
    "{n} records": "{n} Datensätze",
    "The station sent no signed meter values for this charge.": (
        "Die Station hat für diesen Ladevorgang keine signierten Messwerte gesendet."
    ),
    "The meter signed its readings ({n} records). The file with them is on the page of this receipt.": (
        "Der Zähler hat seine Werte signiert ({n} Datensätze). Die Datei dazu liegt auf der Seite dieses Belegs."
    ),
    "Public key of the meter": "Öffentlicher Schlüssel des Zählers",
    "Where the key can be looked up": "Wo der Schlüssel nachzusehen ist",
    "Your bank was asked to take this payment back. What comes of it is settled between your bank and the seller.": (
        "Ihre Bank soll diese Zahlung zurückholen. Was daraus wird, klären Ihre Bank und der Verkäufer."
    ),
    "This receipt stays at this address for as long as the law keeps it. Keep the address: whoever has it can see the receipt.": (
        "Dieser Beleg bleibt unter dieser Adresse, solange das Gesetz ihn aufbewahrt. Heben Sie die Adresse auf: wer sie hat,"
        " kann den Beleg sehen."
    ),
    # Trouble
    "We do not know this code": "Diesen Code kennen wir nicht",
    "Please compare the address with the code that is printed on the charging station.": (
        "Bitte vergleichen Sie die Adresse mit dem Code, der auf der Ladestation steht."
    ),
    "We do not know this page": "Diese Seite kennen wir nicht",
    "Please check the address: it must be copied whole. A receipt can be opened for as long as the law keeps it.": (
        "Bitte prüfen Sie die Adresse: sie muss vollständig sein. Ein Beleg lässt sich öffnen, solange das Gesetz ihn aufbewahrt."
    ),
    "Please try again in a moment": "Bitte gleich noch einmal versuchen",
    "Our database does not answer at the moment. Nothing is lost: please load this page again in a few seconds.": (
        "Unsere Datenbank antwortet gerade nicht. Nichts ist verloren: bitte laden Sie diese Seite in einigen Sekunden neu."
    ),
    "Too many requests": "Zu viele Anfragen",
    "Please wait a moment and try again.": "Bitte warten Sie einen Augenblick und versuchen Sie es noch einmal.",
    "This form came from elsewhere": "Dieses Formular kam von anderswo",
    "Please begin at the code on the station.": "Bitte beginnen Sie beim Code an der Station.",
    "This did not work": "Das hat nicht geklappt",
    "Please go back and try again.": "Bitte gehen Sie zurück und versuchen Sie es noch einmal.",
    "Something broke here": "Hier ist etwas kaputtgegangen",
    "Nothing was charged by this. Please try again.": "Dadurch wurde nichts abgebucht. Bitte versuchen Sie es noch einmal.",
    # QR sheets
    "Scan, see the price, pay, charge": "Scannen, Preis sehen, bezahlen, laden",
}
